/* infer_outputs.c - which outputs a request wants, and in which form each. */
#include <stdio.h>

#include "codec/infer_internal.h"

enum {
    TOP_MAX = 1000000,   /* elements to rank, as in Triton */
    TOP_MADE_MAX = 65536 /* of what has more than the request: that may run on an event loop */
};

static enum loss_status read_name(struct infer_decoding *decoding)
{
    return infer_read_word(decoding, decoding->wish.name);
}

static enum loss_status read_binary_data(struct infer_decoding *decoding)
{
    return infer_read_flag(decoding, &decoding->wish.is_binary);
}

static enum loss_status read_classification(struct infer_decoding *decoding)
{
    return infer_read_count(decoding, &decoding->wish.top); /* 0 is none, as in Triton */
}

static enum loss_status read_parameters(struct infer_decoding *decoding)
{
    static const struct infer_member members[] = {
        {"binary_data", read_binary_data},
        {"classification", read_classification},
        {"shared_memory_region", infer_refuse_shared_memory},
        {"shared_memory_byte_size", infer_refuse_shared_memory},
        {"shared_memory_offset", infer_refuse_shared_memory},
    };
    char place[sizeof "/outputs//parameters" + 20];

    (void)snprintf(place, sizeof place, "%s/parameters", decoding->place);
    return infer_read_object(decoding, place, members, sizeof members / sizeof members[0], NULL);
}

static bool is_listed(const struct infer_request *infer, int number)
{
    for (size_t i = 0; i < infer->count; i++) {
        if (infer->outputs[i].number == number)
            return true;
    }
    return false;
}

static void add_output(struct infer_request *infer, int number, bool is_binary, size_t top)
{
    infer->outputs[infer->count++] = (struct infer_output){number, is_binary, top};
}

/* The output is one that there is, and not listed yet. */
static enum loss_status finish_output(struct infer_decoding *decoding)
{
    const struct infer_wish *wish = &decoding->wish;
    char name[INFER_NAME_BYTES];
    int first, count;

    if (wish->name[0] == '\0')
        return infer_fail(decoding, LOSS_MISSING_FIELD, "name", "an output has no name");
    count = infer_output_find(wish->name, &first);
    if (count == 0)
        return infer_fail_unknown(decoding, "name", "output", wish->name,
                                  infer_output_nearest(wish->name, name));
    if (wish->top > TOP_MAX)
        return infer_fail(decoding, LOSS_VALUE_OUT_OF_RANGE, "parameters/classification",
                          "classification must be at most %d", TOP_MAX);
    for (int i = first; i < first + count; i++) {
        if (is_listed(decoding->infer, i))
            return infer_fail(decoding, LOSS_DUPLICATE_KEY, "name",
                              "the output \"%s\" is listed twice", infer_output_name(i, name));
        add_output(decoding->infer, i, wish->is_binary, (size_t)wish->top);
    }
    return LOSS_OK;
}

static enum loss_status read_output(void *context)
{
    static const struct infer_member members[] = {
        {"name", read_name},
        {"parameters", read_parameters},
    };
    struct infer_decoding *decoding = context;
    char place[sizeof "/outputs/" + 20];
    enum loss_status status;

    decoding->wish = (struct infer_wish){.is_binary = false};
    (void)snprintf(place, sizeof place, "/outputs/%zu", decoding->index++);
    status = infer_read_object(decoding, place, members, sizeof members / sizeof members[0], NULL);
    if (status != LOSS_OK)
        return status;
    decoding->place = place;
    status = finish_output(decoding);
    decoding->place = "";
    return status;
}

enum loss_status infer_read_outputs(struct infer_decoding *decoding)
{
    return infer_read_list(decoding, read_output);
}

/* The elements of an output, or more. */
static size_t elements_of(int number, const struct loss_tensor *predictions)
{
    size_t elements = loss_tensor_elements(predictions);
    size_t classes = predictions->rank > 0 ? predictions->shape[predictions->rank > 1] : 0;

    if (number == INFER_FIGURES + LOSS_PART_CONFUSION_MATRIX)
        return classes * classes;
    return elements > classes ? elements : classes;
}

/* Ranking hears of deadlines between rows alone, so it is bounded. */
static enum loss_status check_ranking(struct infer_decoding *decoding)
{
    const struct loss_tensor *predictions = &decoding->tensors[INFER_PREDICTIONS];
    size_t given = loss_tensor_elements(predictions);

    for (size_t i = 0; i < decoding->infer->count; i++) {
        const struct infer_output *output = &decoding->infer->outputs[i];
        size_t elements = elements_of(output->number, predictions);
        int most = elements > given ? TOP_MADE_MAX : TOP_MAX;
        char name[INFER_NAME_BYTES];

        if (output->top != 0 && elements > (size_t)most)
            return infer_fail(decoding, LOSS_TOO_MANY_ELEMENTS, "outputs",
                              "%s may have %zu elements, but classification is made for at most %d",
                              infer_output_name(output->number, name), elements, most);
    }
    return LOSS_OK;
}

enum loss_status infer_finish_outputs(struct infer_decoding *decoding)
{
    const struct loss_tensor *predictions = &decoding->tensors[INFER_PREDICTIONS];
    struct infer_request *infer = decoding->infer;
    bool has_indices = predictions->rank == 0 ||
                       !loss_tensor_same_shape(predictions, &decoding->tensors[INFER_TARGETS]);

    if (infer->count == 0) { /* all that are declared and that there are */
        for (int i = 0; i < INFER_FIGURES; i++) {
            if (i != INFER_CORRECT || has_indices)
                add_output(infer, i, decoding->wants_binary, 0);
        }
    } else if (!has_indices && is_listed(infer, INFER_CORRECT)) {
        return infer_fail(decoding, LOSS_TARGET_NOT_INTEGER, "targets",
                          "correct needs class indices, but targets holds class probabilities");
    }
    for (size_t i = 0; i < infer->count; i++) {
        int number = infer->outputs[i].number;

        if (number >= INFER_FIGURES)
            decoding->request->loss
                .wants[loss_part_output((enum loss_part)(number - INFER_FIGURES))] = true;
    }
    return check_ranking(decoding);
}
