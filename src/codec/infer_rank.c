/* infer_rank.c - the largest elements of a tensor with their indices: Triton's "classification". */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "codec/infer_internal.h"

enum { PIECE_ELEMENTS = 4096 }; /* that are ranked between questions, at least */

/* Elements of one row, by their classes. */
struct row {
    const struct infer_ranking *ranking;
    size_t first; /* element of class 0 */
};

static double value_at(const struct row *row, size_t class)
{
    return loss_tensor_number(row->ranking->tensor, row->first + class * row->ranking->inner);
}

/* Whether class a ranks before class b. */
static bool is_before(const struct row *row, size_t a, size_t b)
{
    double x = value_at(row, a), y = value_at(row, b);

    if (isnan(x) || isnan(y))
        return isnan(x) && (!isnan(y) || a < b);
    return x > y || (x == y && a < b);
}

/* Let the class at `at` sink in a heap whose root ranks last.  Entries lie `inner` apart. */
static void sink(const struct row *row, size_t *heap, size_t at, size_t count)
{
    size_t step = row->ranking->inner;

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        size_t class = heap[at * step];

        if (child + 1 < count && is_before(row, heap[child * step], heap[(child + 1) * step]))
            child++;
        if (!is_before(row, class, heap[child * step]))
            return;
        heap[at * step] = heap[child * step];
        heap[child * step] = class;
    }
}

/* Rank one row: its first classes as a heap, better ones instead of the
 * last, and the heap sorted. */
static void rank_row(const struct row *row, size_t *order)
{
    size_t step = row->ranking->inner, top = row->ranking->top;

    for (size_t c = 0; c < top; c++)
        order[c * step] = c;
    for (size_t at = top / 2; at-- > 0;)
        sink(row, order, at, top);
    for (size_t c = top; c < row->ranking->classes && top > 0; c++) {
        if (!is_before(row, c, order[0]))
            continue;
        order[0] = c;
        sink(row, order, 0, top);
    }
    for (size_t left = top; left-- > 1;) {
        size_t last = order[0];

        order[0] = order[left * step];
        order[left * step] = last;
        sink(row, order, 0, left);
    }
}

/* Rank every row; false if patience ran out. */
static bool rank_rows(const struct infer_ranking *ranking, struct text *text)
{
    size_t unasked = 0; /* elements since it was asked */

    for (size_t o = 0; o < ranking->outer; o++) {
        for (size_t i = 0; i < ranking->inner; i++) {
            rank_row(&(struct row){ranking, o * ranking->classes * ranking->inner + i},
                     ranking->order + o * ranking->top * ranking->inner + i);
            unasked += ranking->classes;
            if (unasked >= PIECE_ELEMENTS) {
                unasked = 0;
                if (!text_is_wanted(text))
                    return false;
            }
        }
    }
    return true;
}

bool infer_rank(struct infer_ranking *ranking, const struct loss_tensor *tensor, bool has_classes,
                size_t top, struct text *text)
{
    struct loss_tensor *shape = &ranking->shape;
    unsigned axis = tensor->rank > 1 ? 1 : 0;

    *ranking = (struct infer_ranking){.tensor = tensor, .outer = 1, .inner = 1};
    if (has_classes) {
        *shape = *tensor;
        ranking->outer = axis == 1 ? tensor->shape[0] : 1;
        ranking->classes = tensor->shape[axis];
        for (unsigned i = axis + 1; i < tensor->rank; i++)
            ranking->inner *= tensor->shape[i];
    } else {
        shape->rank = 1;
        axis = 0;
        ranking->classes = loss_tensor_elements(tensor);
    }
    ranking->top = top < ranking->classes ? top : ranking->classes;
    shape->shape[axis] = ranking->top;
    ranking->order =
        loss_arena_take(text->arena, loss_tensor_elements(shape), sizeof *ranking->order);
    return ranking->order != NULL && rank_rows(ranking, text);
}

size_t infer_rank_write(const struct infer_ranking *ranking, size_t index, char *text)
{
    size_t inner = ranking->inner, row = index / (ranking->top * inner),
           class = ranking->order[index];
    double value = loss_tensor_number(ranking->tensor,
                                      (row * ranking->classes + class) * inner + index % inner);
    int length;

    if (ranking->tensor->dtype == LOSS_INT64)
        length = snprintf(text, INFER_RANK_BYTES, "%" PRId64 ":%zu", (int64_t)value, class);
    else if (isnan(value)) /* of any sign */
        length = snprintf(text, INFER_RANK_BYTES, "nan:%zu", class);
    else
        length = snprintf(text, INFER_RANK_BYTES, "%f:%zu", value, class);
    return (size_t)length;
}
