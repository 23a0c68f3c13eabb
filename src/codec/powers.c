/* powers.c - the table itself. */
#include "codec/powers.h"

const struct power powers[POWERS_HIGHEST - POWERS_LOWEST + 1] = {
#include "codec/powers_table.inc"
};
