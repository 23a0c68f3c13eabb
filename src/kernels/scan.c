/* scan.c - the largest element of every row, and the sum of the exponentials of the others.
 *
 * Two kernels, chosen by shape alone: along the classes of one long row, or along the positions of a
 * tile, which is transposed first if they do not lie side by side. */
#include <math.h>

#include "kernels/sum.h"
#include "kernels/table_internal.h"

enum { PARTIAL_SUMS = 32, GROUPS = PARTIAL_SUMS / LANES }; /* of a row's sum; groups of lanes */

/* So that what is kept for each of a few vectors stays in registers. */
#define UNROLLED _Pragma("GCC unroll 16")

/* ---- along the classes ------------------------------------------------------------------------- */

typedef REAL real_vec __attribute__((vector_size(VECTOR_BYTES)));
typedef __typeof__(_Generic((REAL)0, float : (int32_t)0, double : (int64_t)0)) real_bits;
typedef real_bits mask_vec __attribute__((vector_size(VECTOR_BYTES)));
enum { REALS = VECTOR_BYTES / sizeof(REAL), CHAINS = 4 };

/* The largest element of x[0 .. count-1], or NaN if there is one. */
static double max_of_row(const REAL *x, size_t count)
{
    real_vec max[CHAINS], v;
    mask_vec is_nan = {0}, larger;
    REAL lanes[CHAINS * REALS], largest;
    bool has_nan = false;
    size_t c = 0;

    for (int g = 0; g < CHAINS; g++)
        max[g] = (real_vec){0} - (REAL)INFINITY;
    for (; c + CHAINS * REALS <= count; c += CHAINS * REALS) {
        UNROLLED for (size_t g = 0; g < CHAINS; g++)
        {
            memcpy(&v, x + c + g * REALS, sizeof v);
            larger = v > max[g];
            is_nan |= v != v;
            max[g] = (real_vec)((larger & (mask_vec)v) | (~larger & (mask_vec)max[g]));
        }
    }
    memcpy(lanes, max, sizeof lanes);
    largest = lanes[0];
    for (size_t l = 1; l < CHAINS * REALS; l++)
        largest = lanes[l] > largest ? lanes[l] : largest;
    for (size_t l = 0; l < REALS; l++)
        has_nan |= is_nan[l] != 0;
    for (; c < count; c++) {
        has_nan |= x[c] != x[c];
        largest = x[c] > largest ? x[c] : largest;
    }
    return has_nan ? (double)NAN : (double)largest;
}

/* The first element equal to `max`, a NaN being equal to a NaN; the row has one. */
static size_t index_of(const REAL *x, size_t count, double max)
{
    bool seeks_nan = isnan(max);
    real_vec v;
    size_t c = 0;

    for (; c + CHAINS * REALS <= count; c += CHAINS * REALS) {
        mask_vec found = {0};
        int64_t words[VECTOR_BYTES / 8], any = 0;

        UNROLLED for (size_t g = 0; g < CHAINS; g++)
        {
            memcpy(&v, x + c + g * REALS, sizeof v);
            found |= seeks_nan ? v != v : v == (REAL)max;
        }
        memcpy(words, &found, sizeof words);
        UNROLLED for (size_t w = 0; w < VECTOR_BYTES / 8; w++) any |= words[w];
        if (any != 0)
            break;
    }
    while (c < count && (seeks_nan ? x[c] == x[c] : x[c] != (REAL)max))
        c++;
    return c < count ? c : 0;
}

/* A sum in every lane, and in float64 what its roundings have lost (two-sum, TAOCP 2, 4.2.2). */
struct sums {
    vec total, lost;
    ivec equal; /* how many elements were equal to the maximum */
};

/* Add exp(x - max), where x is below max, and count where it is not. */
static inline void add_vector(vec x, vec max, struct sums *sums)
{
    vec e = from_bits(bits_of(real_exp_shifted(x, max)) & (x < max));
    vec total = sums->total + e;

    if (IS_WIDE) {
        vec added = total - sums->total;

        sums->lost += (sums->total - (total - added)) + (e - added);
    }
    sums->total = total;
    sums->equal -= x == max;
}

static double sum_of_row(const REAL *x, size_t count, double max_value)
{
    struct sums sums[GROUPS] = {{{0}, {0}, {0}}};
    double totals[PARTIAL_SUMS], lost[PARTIAL_SUMS];
    struct sum sum = {0.0, 0.0};
    vec max = vec_all(max_value);
    int64_t others = -1; /* one maximum is left out */
    size_t c = 0;

    for (; c + PARTIAL_SUMS <= count; c += PARTIAL_SUMS) {
        UNROLLED for (size_t g = 0; g < GROUPS; g++)
            add_vector(real_load(x + c + g * LANES), max, &sums[g]);
    }
    for (size_t g = 0; g < GROUPS && c < count; g++, c += LANES) {
        size_t left = count - c < LANES ? count - c : LANES;

        add_vector(real_gather(x + c, 1, left, -INFINITY), max, &sums[g]);
    }
    for (size_t g = 0; g < GROUPS; g++) {
        vec_store(totals + g * LANES, sums[g].total);
        vec_store(lost + g * LANES, sums[g].lost);
        for (size_t l = 0; l < LANES; l++)
            others += sums[g].equal[l];
    }
    for (size_t l = 0; l < PARTIAL_SUMS; l++) {
        sum_add(&sum, totals[l]);
        sum.lost += lost[l];
    }
    sum_add(&sum, (double)others);
    return sum_value(&sum);
}

static void scan_along_classes(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);

        rows->max[p] = max_of_row(x, tile->classes);
        rows->argmax[p] = index_of(x, tile->classes, rows->max[p]);
        if (sums)
            rows->rest[p] =
                isfinite(rows->max[p]) ? sum_of_row(x, tile->classes, rows->max[p]) : (double)NAN;
    }
}

/* ---- along the positions ----------------------------------------------------------------------- */

/* Where LANES positions from `first` on are: element c of them at x + c * stride. */
struct columns {
    const REAL *x;
    size_t stride;
    size_t count; /* of the lanes, how many there are; the others are not read */
};

static inline vec column(const struct columns *columns, size_t c)
{
    const REAL *x = columns->x + c * columns->stride;

    return columns->count == LANES ? real_load(x) : real_gather(x, 1, columns->count, 0.0);
}

static void scan_columns(const struct columns *columns, size_t classes, bool wants_sums,
                         size_t first, struct kernel_rows *rows)
{
    struct sums sums = {{0}, {0}, {0}};
    vec max = vec_all(-INFINITY);
    ivec argmax = {0}, is_nan = {0};

    for (size_t c = 0; c < classes; c++) {
        vec x = column(columns, c);
        ivec larger = (x > max) & ~is_nan, is_new_nan = (x != x) & ~is_nan;

        max = vec_select(larger, x, max);
        argmax = (argmax & ~(larger | is_new_nan)) | (ivec_all((int64_t)c) & (larger | is_new_nan));
        is_nan |= is_new_nan;
    }
    for (size_t c = 0; c < classes && wants_sums; c++)
        add_vector(column(columns, c), max, &sums);
    for (size_t l = 0; l < columns->count; l++) {
        double others = classes != 0 ? (double)(sums.equal[l] - 1) : 0.0;
        bool degenerate = classes != 0 && !isfinite(max[l]);

        rows->max[first + l] = is_nan[l] != 0 ? (double)NAN : max[l];
        rows->argmax[first + l] = (size_t)argmax[l];
        rows->rest[first + l] =
            is_nan[l] != 0 || degenerate ? (double)NAN : sums.total[l] + (sums.lost[l] + others);
    }
}

static void scan_along_positions(const struct kernel_tile *tile, bool sums,
                                 struct kernel_rows *rows)
{
    REAL turned[KERNEL_ROW_CLASSES][KERNEL_TILE_POSITIONS];
    bool lies_apart = tile->position_stride != 1 && tile->classes < KERNEL_ROW_CLASSES;

    for (size_t p = 0; p < tile->positions && lies_apart; p++) {
        const REAL *x = row_of(tile, p);

        for (size_t c = 0; c < tile->classes; c++)
            turned[c][p] = x[c * tile->class_stride];
    }
    for (size_t p = 0; p < tile->positions; p += LANES) {
        size_t left = tile->positions - p;
        struct columns columns = {.count = left < LANES ? left : LANES};

        columns.x = lies_apart ? &turned[0][p] : row_of(tile, p);
        columns.stride = lies_apart ? (size_t)KERNEL_TILE_POSITIONS : tile->class_stride;
        scan_columns(&columns, tile->classes, sums, p, rows);
    }
}

/* ---- both -------------------------------------------------------------------------------------- */

void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    if (tile->class_stride == 1 && tile->classes >= KERNEL_ROW_CLASSES)
        scan_along_classes(tile, sums, rows);
    else
        scan_along_positions(tile, sums, rows);
    for (size_t p = 0; p < tile->positions && sums; p += LANES) {
        if (tile->positions - p < LANES) /* the arrays have room for whole vectors */
            memset(rows->rest + tile->positions, 0, (p + LANES - tile->positions) * sizeof(double));
        vec_store(rows->log_rest + p, log1p_full(vec_load(rows->rest + p)));
    }
}
