/* entropy.c - one term of H(p, q). */
#include <math.h>

#include "kernels/kernel.h"

double kernel_entropy_term(double k, double q)
{
    if (k == 0.0 && q >= 0.0)
        return 0.0;
    return -k * log(q);
}
