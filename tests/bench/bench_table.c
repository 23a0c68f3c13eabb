/* bench_table.c - medians and columns. */
#include "bench/bench_table.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMN = 29 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct bench_figure sorted(const struct bench_figure *figure)
{
    struct bench_figure copy = *figure;

    qsort(copy.rounds, BENCH_ROUNDS, sizeof copy.rounds[0], compare);
    return copy;
}

double bench_median(const struct bench_figure *figure)
{
    return sorted(figure).rounds[BENCH_ROUNDS / 2];
}

struct bench_figure bench_ratio(const struct bench_figure *a, const struct bench_figure *b)
{
    struct bench_figure ratio;

    for (int round = 0; round < BENCH_ROUNDS; round++)
        ratio.rounds[round] = a->rounds[round] / b->rounds[round];
    return ratio;
}

void bench_print(const struct bench_figure *figure, int digits)
{
    struct bench_figure in_order = sorted(figure);
    char text[64];

    (void)snprintf(text, sizeof text, "%.*f (%.*f..%.*f)", digits, bench_median(figure), digits,
                   in_order.rounds[0], digits, in_order.rounds[BENCH_ROUNDS - 1]);
    (void)printf(" %-*s", COLUMN, text);
}

void bench_print_ratio(const char *name, const struct bench_figure *figure, const char *relation,
                       double limit)
{
    double median = bench_median(figure);

    (void)printf("  %-60s", name);
    bench_print(figure, 2);
    if (relation != NULL)
        (void)printf(" %s %-6.4g %s", relation, limit,
                     (relation[0] == '>' ? median >= limit : median <= limit) ? "met" : "MISSED");
    (void)printf("\n");
}
