/* bench_table.h - figures of several rounds: their medians, and how far they lie apart. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

enum { BENCH_ROUNDS = 9 };

/* One number for each round. */
struct bench_figure {
    double rounds[BENCH_ROUNDS];
};

double bench_median(const struct bench_figure *figure);

/* a / b, round by round: what disturbed a round disturbed both. */
struct bench_figure bench_ratio(const struct bench_figure *a, const struct bench_figure *b);

/* "median (least..largest)" with so many digits after the point, as one column of a table. */
void bench_print(const struct bench_figure *figure, int digits);

/* A line of the table of ratios, with a target if `relation` is no NULL: ">=" or "<=" `limit`. */
void bench_print_ratio(const char *name, const struct bench_figure *figure, const char *relation,
                       double limit);

#endif
