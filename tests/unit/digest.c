/* digest.c - digests of the bits of all that libloss returns, to compare compilers and CPUs by.
 *
 * A line for every type, stage and kind of targets, over shapes with every remainder, finite
 * values and special ones; the digests are FNV-1a of 64 bits.  Every level that this CPU runs
 * must give the same, or it fails.  `make check-bits` compares the lines of several builds,
 * `make check-aarch64` those of another CPU.  The inputs are made without libm, whose last bits
 * differ between machines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss/evaluation.h"
#include "loss/kernel.h"
#include "support/numbers.h"
#include "support/wants.h"

enum { ELEMENTS_MAX = 70 * 210, POSITIONS_MAX = 256 };

struct digests {
    uint64_t sums, parts[LOSS_PART_COUNT];
};

/* What a line is about. */
struct subject {
    enum loss_dtype dtype;
    enum loss_stage stage;
    bool has_indices;
};

static union elements {
    float narrow[ELEMENTS_MAX];
    double wide[ELEMENTS_MAX];
} predictions, soft_targets, weights;
static int64_t indices[POSITIONS_MAX];

static void add_bytes(uint64_t *digest, const void *data, size_t bytes)
{
    const unsigned char *at = data;

    for (size_t i = 0; i < bytes; i++)
        *digest = (*digest ^ at[i]) * 0x100000001b3u;
}

static void add_tensor(uint64_t *digest, const struct loss_tensor *tensor)
{
    add_bytes(digest, tensor->data, loss_tensor_elements(tensor) * loss_dtype_bytes(tensor->dtype));
}

/* A logit between -20 and 20, or one whose exp is 0, or a tiny one; if `specials`, now and
 * then a NaN, an infinity or a huge one.  The other stages get what they allow of it. */
static double element(uint64_t *random, enum loss_stage stage, bool specials)
{
    double u = number_random(random), v = number_random(random), x = 40.0 * v - 20.0;

    if (specials && u < 0.02)
        x = u < 0.002 ? NAN : u < 0.004 ? INFINITY : u < 0.012 ? -INFINITY : 1e30;
    else
        x = u > 0.9 ? floor(x) : u > 0.87 ? -50.0 * fabs(x) : u > 0.85 ? x * 1e-40 : x;
    if (stage == LOSS_STAGE_PROBABILITIES)
        return fabs(x) < 20.0 ? v : fabs(x);
    return stage == LOSS_STAGE_LOG_PROBABILITIES ? -fabs(x) : x;
}

static void store(enum loss_dtype dtype, union elements *to, size_t i, double value)
{
    if (dtype == LOSS_FLOAT64)
        to->wide[i] = value;
    else
        to->narrow[i] = (float)value;
}

static void make_request(const struct subject *subject, const size_t shape[3], bool specials,
                         struct loss_request *request, struct loss_tensor *class_weights)
{
    size_t positions = shape[0] * shape[2], elements = positions * shape[1];
    uint64_t random = elements * 1009 + shape[1];

    for (size_t i = 0; i < elements; i++) {
        store(subject->dtype, &predictions, i, element(&random, subject->stage, specials));
        store(subject->dtype, &soft_targets, i, number_random(&random));
    }
    for (size_t i = 0; i < positions; i++)
        indices[i] = number_random(&random) < 0.1
                         ? -100
                         : (int64_t)(number_random(&random) * (double)shape[1]);
    for (size_t c = 0; c < shape[1]; c++)
        store(subject->dtype, &weights, c, number_random(&random));
    *request = (struct loss_request)LOSS_REQUEST_DEFAULTS;
    request->stage = subject->stage;
    request->predictions =
        (struct loss_tensor){subject->dtype, 3, {shape[0], shape[1], shape[2]}, &predictions};
    request->targets = request->predictions;
    request->targets.data = &soft_targets;
    if (subject->has_indices)
        request->targets = (struct loss_tensor){LOSS_INT64, 2, {shape[0], shape[2]}, indices};
    *class_weights = (struct loss_tensor){subject->dtype, 1, {shape[1]}, &weights};
    request->weights = shape[1] % 2 == 0 ? class_weights : NULL;
    request->label_smoothing = shape[1] % 3 == 0 ? 0.1 : 0.0;
    request->reduction = LOSS_REDUCTION_NONE;
    want_everything(request);
}

/* Evaluate one request of this shape without special values and one with. */
static void add_shape(const struct subject *subject, const size_t shape[3], struct digests *digests)
{
    for (int specials = 0; specials < 2; specials++) {
        struct loss_request request;
        struct loss_tensor class_weights;
        struct loss_arena arena;
        struct loss_result result;
        struct loss_error error;
        double sums[2];

        make_request(subject, shape, specials != 0, &request, &class_weights);
        loss_arena_init(&arena, NULL);
        if (loss_evaluate(&request, &arena, &result, &error) != LOSS_OK) {
            (void)fprintf(stderr, "digest: %s\n", error.sentence);
            exit(1);
        }
        sums[0] = result.loss_sum;
        sums[1] = result.weight_sum;
        add_bytes(&digests->sums, sums, sizeof sums);
        for (int i = 0; i < LOSS_PART_COUNT; i++) {
            if (request.wants[loss_part_output((enum loss_part)i)])
                add_tensor(&digests->parts[i], &result.parts[i]);
        }
        loss_arena_reset(&arena);
    }
}

static struct digests digest(const struct subject *subject)
{
    static const size_t around[] = {255, 256, 257, 1000, 4095, 4096, 4097};
    const uint64_t start = 0xcbf29ce484222325u;
    struct digests digests = {.sums = start};

    for (int i = 0; i < LOSS_PART_COUNT; i++)
        digests.parts[i] = start;
    for (size_t c = 1; c <= 200; c++)
        add_shape(subject, (const size_t[]){c % 67 + 3, c, 1}, &digests);
    for (size_t inner = 2; inner <= 70; inner++)
        add_shape(subject, (const size_t[]){2, inner % 29 + 1, inner}, &digests);
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++)
        add_shape(subject, (const size_t[]){3, around[i], 1}, &digests);
    return digests;
}

/* One line, if all levels agree on it. */
static bool print_line(const struct subject *subject)
{
    struct digests lowest = {0};

    for (size_t level = 0; loss_kernel_name(level) != NULL; level++) {
        struct digests digests;

        if (!loss_kernel_choose(loss_kernel_name(level)))
            continue;
        digests = digest(subject);
        if (level == 0)
            lowest = digests;
        else if (memcmp(&digests, &lowest, sizeof digests) != 0) {
            (void)fprintf(stderr, "digest: level %s differs from %s\n", loss_kernel_name(level),
                          loss_kernel_name(0));
            return false;
        }
    }
    (void)printf("%s %-17s %-13s sums %016jx", loss_dtype_name(subject->dtype),
                 loss_stage_name(subject->stage),
                 subject->has_indices ? "indices" : "probabilities", (uintmax_t)lowest.sums);
    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        const char *column = loss_part_column((enum loss_part)i);

        (void)printf(" %s%s%s %016jx", loss_part_key((enum loss_part)i), column != NULL ? "." : "",
                     column != NULL ? column : "", (uintmax_t)lowest.parts[i]);
    }
    (void)printf("\n");
    return true;
}

int main(void)
{
    static const enum loss_dtype dtypes[] = {LOSS_FLOAT32, LOSS_FLOAT64};

    for (int d = 0; d < 2; d++) {
        for (int stage = 0; stage < LOSS_STAGE_COUNT; stage++) {
            for (int has_indices = 0; has_indices < 2; has_indices++) {
                struct subject subject = {dtypes[d], (enum loss_stage)stage, has_indices != 0};

                if (!print_line(&subject))
                    return 1;
            }
        }
    }
    return 0;
}
