/* softmax32.h - softmax of float32 elements; part of real.h.
 *
 * An exponential is a pair of float32, high + low, good to 2^-25.5: with r_low, what r has lost, it
 * is 2^n times 1 + r + (r^2 q(r) + r_low), as in real32.h.  Errors: 2^-27.8 of q, 2^-27.5 of r *
 * r_low left out, and three roundings of at most 2^-28.  As in sums32.h it is that of x, or of x -
 * max if the maximum is far from 0. */
#ifndef KERNELS_SOFTMAX32_H
#define KERNELS_SOFTMAX32_H

#include "kernels/sums32.h"

#define PAIR_SCALE 0x1p28 /* with it, what low parts lose by being subnormal is nothing */
#define PAIR_N     28.0f

/* What there is to know of a row, in all lanes, or of a position in each. */
struct softmax_row {
    real_vec max, least, rounder; /* as in struct origin, but that n has PAIR_N more */
    real_mask far;
    bool has_far;
    struct wide factor; /* factor / (1 + rest), and the scale of exponentials out of it */
};

static inline struct softmax_row softmax_row(struct wide max, struct wide scale, struct wide rest,
                                             struct wide low, struct wide factor)
{
    real_vec m = real_narrow(max);
    real_mask far = ~near_lanes(m);
    struct origin origin = origin_of(real_keep(~far, m), false);
    struct softmax_row row;

    (void)low; /* of no weight here */
    row.max = m;
    row.least = origin.least;
    row.rounder = origin.rounder + PAIR_N;
    row.far = far;
    row.has_far = any_lane((ivec)far);
    UNROLLED for (size_t i = 0; i < PARTS; i++) row.factor.part[i] =
        factor.part[i] * (scale.part[i] / PAIR_SCALE) / (1.0 + rest.part[i]);
    return row;
}

/* exp(x - max) times the factor; 0 where x is -inf. */
INLINED struct wide softmax_of(real_vec x, const struct softmax_row *row)
{
    real_vec y = x, low = real_all(0);

    if (row->has_far) {
        real_vec d = real_difference(x, row->max, &low);

        y = real_select(row->far, d, x);
        low = real_keep(row->far, low);
    }
    real_vec shifted = fused(y, real_all(LOG2_E_32), row->rounder), n = shifted - row->rounder;
    real_vec first = less_n_ln2_high(y, n);
    real_vec rest = row->has_far ? fused_any(n, real_all(-LN2_LOW_32), low) : n * -LN2_LOW_32;
    real_vec r = first + rest, r_low = rest - (r - first), square = r * r;
    real_vec scale = (real_vec)((real_bits)shifted << 23), linear = scale * r, sum = scale + linear;
    real_vec lost =
        (linear - (sum - scale)) + scale * fused_any(square, exp_curve(r, square), r_low);
    real_mask is_seen = y > row->least;
    struct wide high = real_widen(real_keep(is_seen, sum));
    struct wide low_part = real_widen(real_keep(is_seen, lost));

    UNROLLED for (size_t i = 0; i < PARTS; i++) high.part[i] =
        (high.part[i] + low_part.part[i]) * row->factor.part[i];
    return high;
}

#endif
