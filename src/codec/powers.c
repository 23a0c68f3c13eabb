/* powers.c - the tables themselves. */
#include "codec/powers.h"

const struct power powers[POWERS_HIGHEST - POWERS_LOWEST + 1] = {
#include "codec/powers_table.inc"
};

const double powers_exact[POWERS_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
