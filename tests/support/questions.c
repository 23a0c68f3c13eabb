/* questions.c - random requests. */
#include "support/questions.h"

#include <math.h>
#include <stdlib.h>

#include "support/numbers.h"

/* ---- making ---------------------------------------------------------------------------------- */

static size_t below(uint64_t *seed, size_t count)
{
    return (size_t)(number_random(seed) * (double)count);
}

static void *room(size_t count, size_t size)
{
    void *block = calloc(count + 1, size);

    if (block == NULL)
        abort();
    return block;
}

/* A prediction that makes sense for the stage; now and then one that is special. */
static double prediction(const struct question *question, uint64_t *seed)
{
    static const double special[] = {NAN, INFINITY, -0.0, 0.0, 1e-30, -INFINITY};
    size_t specials = question->stage == 2 ? 5 : 6; /* no probability is negative */
    double x = number_random(seed);

    if (question->turn % 16 == 15 && below(seed, 20) == 0)
        return special[below(seed, specials)];
    return question->stage == 0 ? 40.0 * x - 20.0 : question->stage == 1 ? -30.0 * x : x;
}

static void make_shape(struct question *question, uint64_t *seed)
{
    bool is_large = question->turn % 10 == 9; /* beyond what the event loop does itself */

    question->rank = 1 + (unsigned)below(seed, 3);
    if (is_large && question->rank == 1)
        question->rank = 2;
    question->classes = 1 + below(seed, is_large ? 60 : 12);
    question->shape[question->rank > 1] = question->classes;
    if (question->rank > 1)
        question->shape[0] = 1 + below(seed, is_large ? 100 : 7);
    if (question->rank > 2)
        question->shape[2] = 1 + below(seed, 5);
    question->elements = 1;
    for (unsigned i = 0; i < question->rank; i++)
        question->elements *= question->shape[i];
    question->positions = question->elements / question->classes;
}

static void make_numbers(double *numbers, size_t count, bool is_wide, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = is_wide ? number_random(seed) : (double)(float)number_random(seed);
}

static void make_targets(struct question *question, uint64_t *seed)
{
    if (below(seed, 3) == 0) {
        question->probabilities = room(question->elements, sizeof *question->probabilities);
        make_numbers(question->probabilities, question->elements, question->is_wide, seed);
        return;
    }
    question->indices = room(question->positions, sizeof *question->indices);
    question->has_ignore_index = below(seed, 3) == 0;
    question->ignore_index = (int64_t)below(seed, question->classes);
    for (size_t i = 0; i < question->positions; i++)
        question->indices[i] = !question->has_ignore_index && below(seed, 9) == 0
                                   ? -100
                                   : (int64_t)below(seed, question->classes);
}

static void make_options(struct question *question, uint64_t *seed)
{
    static const char *const reductions[] = {NULL, "mean", "sum", "none"};

    question->reduction = reductions[below(seed, 4)];
    question->has_smoothing = below(seed, 2) == 0;
    question->smoothing = number_random(seed);
    question->k = (unsigned)below(seed, 4);
    question->bins = (unsigned)below(seed, 12);
    for (unsigned i = 0;
         i < (question->indices != NULL ? QUESTION_OUTPUTS : QUESTION_PLAIN_OUTPUTS); i++)
        question->wants |= below(seed, 2) == 0 ? 1u << i : 0;
}

void question_make(struct question *question, uint64_t *seed)
{
    unsigned turn = (unsigned)below(seed, 10000);

    *question = (struct question){.turn = turn};
    question->stage = (int)below(seed, QUESTION_STAGES);
    question->is_wide = below(seed, 2) == 0;
    make_shape(question, seed);
    question->predictions = room(question->elements, sizeof *question->predictions);
    for (size_t i = 0; i < question->elements; i++) {
        double x = prediction(question, seed);

        question->predictions[i] = question->is_wide ? x : (double)(float)x;
    }
    make_targets(question, seed);
    if (below(seed, 2) == 0) {
        question->weights = room(question->classes, sizeof *question->weights);
        make_numbers(question->weights, question->classes, question->is_wide, seed);
    }
    make_options(question, seed);
}

void question_free(struct question *question)
{
    free(question->predictions);
    free(question->probabilities);
    free(question->weights);
    free(question->indices);
}
