/* infer_input.c - the inputs of a request: their members, in any order. */
#include <stdio.h>
#include <string.h>

#include "codec/infer_internal.h"
#include "codec/words.h"

static const char *field_name(const struct infer_decoding *decoding, int field)
{
    return field == INFER_TARGETS   ? "targets"
           : field == INFER_WEIGHTS ? "weights"
                                    : loss_stage_name(decoding->infer->model->stage);
}

static enum loss_status read_name(struct infer_decoding *decoding)
{
    struct infer_input *input = &decoding->input;
    enum loss_status status = infer_read_word(decoding, input->name);

    for (int i = 0; i < INFER_FIELDS; i++) {
        if (status == LOSS_OK && strcmp(input->name, field_name(decoding, i)) == 0)
            input->field = i;
    }
    return status;
}

static enum loss_status read_datatype(struct infer_decoding *decoding)
{
    struct infer_input *input = &decoding->input;
    enum loss_status status = infer_read_word(decoding, input->datatype_name);

    if (status == LOSS_OK)
        input->datatype = infer_datatype_find(input->datatype_name);
    return status;
}

static enum loss_status read_dimension(void *context)
{
    struct infer_decoding *decoding = context;
    struct loss_tensor *tensor = &decoding->input.tensor;
    uint64_t dimension;
    enum loss_status status = infer_read_count(decoding, &dimension);

    if (status == LOSS_VALUE_OUT_OF_RANGE)
        return decoding->scanner.error->status = LOSS_INVALID_SHAPE;
    if (status != LOSS_OK)
        return status;
    if (tensor->rank == LOSS_RANK_MAX)
        return infer_fail(decoding, LOSS_INVALID_SHAPE, "shape",
                          "the shape has more than %d dimensions", LOSS_RANK_MAX);
    tensor->shape[tensor->rank++] = (size_t)dimension;
    return LOSS_OK;
}

static enum loss_status read_shape(struct infer_decoding *decoding)
{
    if (*decoding->scanner.at != '[')
        return infer_fail_type(decoding, "an array of whole numbers");
    decoding->input.has_shape = true;
    return scan_array(&decoding->scanner, read_dimension, decoding);
}

/* Numbers are read at once if it is known as what, else when the rest of the input is known. */
static enum loss_status read_data(struct infer_decoding *decoding)
{
    struct infer_input *input = &decoding->input;
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;

    input->text = scanner->at;
    if (input->datatype != NULL && input->field != INFER_FIELDS)
        return infer_read_numbers(decoding);
    scanner->takes_non_finite = true;
    status = scan_value(scanner);
    scanner->takes_non_finite = false;
    return status;
}

static enum loss_status read_binary_data_size(struct infer_decoding *decoding)
{
    decoding->input.has_bytes = true;
    return infer_read_count(decoding, &decoding->input.bytes);
}

static enum loss_status read_parameters(struct infer_decoding *decoding)
{
    static const struct infer_member members[] = {
        {"binary_data_size", read_binary_data_size},
        {"shared_memory_region", infer_refuse_shared_memory},
        {"shared_memory_byte_size", infer_refuse_shared_memory},
        {"shared_memory_offset", infer_refuse_shared_memory},
    };
    char place[sizeof "/inputs//parameters" + 20];

    (void)snprintf(place, sizeof place, "%s/parameters", decoding->place);
    return infer_read_object(decoding, place, members, sizeof members / sizeof members[0], NULL);
}

/* The input is one that this model has, and has not had yet. */
static enum loss_status check_name(struct infer_decoding *decoding)
{
    const struct infer_input *input = &decoding->input;
    const char *names[INFER_FIELDS];

    if (input->name[0] == '\0')
        return infer_fail(decoding, LOSS_MISSING_FIELD, "name", "an input has no name");
    if (input->field != INFER_FIELDS && !decoding->given[input->field])
        return LOSS_OK;
    if (input->field != INFER_FIELDS)
        return infer_fail(decoding, LOSS_DUPLICATE_KEY, "name", "the input \"%s\" is there twice",
                          input->name);
    for (int i = 0; i < INFER_FIELDS; i++)
        names[i] = field_name(decoding, i);
    return infer_fail_unknown(decoding, "name", "input", input->name,
                              words_nearest(input->name, names, INFER_FIELDS));
}

static enum loss_status read_input(void *context)
{
    static const struct infer_member members[] = {
        {"name", read_name},   {"datatype", read_datatype},
        {"shape", read_shape}, {"parameters", read_parameters},
        {"data", read_data},
    };
    struct infer_decoding *decoding = context;
    char place[sizeof "/inputs/" + 20];
    enum loss_status status;

    decoding->input = (struct infer_input){.field = INFER_FIELDS};
    (void)snprintf(place, sizeof place, "/inputs/%zu", decoding->index++);
    status = infer_read_object(decoding, place, members, sizeof members / sizeof members[0], NULL);
    if (status != LOSS_OK)
        return status;
    decoding->place = place;
    if ((status = check_name(decoding)) == LOSS_OK)
        status = infer_finish_input(decoding);
    decoding->place = "";
    return status;
}

enum loss_status infer_read_inputs(struct infer_decoding *decoding)
{
    return infer_read_list(decoding, read_input);
}
