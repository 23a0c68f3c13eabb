/* tensor_json_fail.c - an element that was read, but does not fit what the
 * rest of the request says. */
#include <string.h>

#include "codec/tensor_json.h"

/* The element at `index`, whose text begins at `text`. */
static enum loss_status fail_element(const struct loss_tensor *tensor, const char *name,
                                     size_t index, const char *text, enum loss_status status,
                                     const char *why_not, struct loss_error *error)
{
    char where[128], place[128], element[25];
    size_t length = strcspn(text, ",] \t\r\n}");

    if (length >= sizeof element)
        length = sizeof element - 1;
    for (size_t i = 0; i < length; i++) /* a string may hold anything */
        element[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    element[length] = '\0';
    (void)loss_tensor_pointer(tensor, name, index, where, sizeof where);
    (void)loss_tensor_place(tensor, name, index, place, sizeof place);
    return loss_fail(error, status, where, "%s is %s, but %s", place, element, why_not);
}

enum loss_status tensor_json_fail_odd(const struct tensor_json *read, const char *name,
                                      enum loss_status status, const char *why_not,
                                      struct loss_error *error)
{
    return fail_element(&read->tensor, name, read->odd_index, read->odd_text, status, why_not,
                        error);
}

enum loss_status tensor_json_fail_word(const struct tensor_json *read, const char *name,
                                       const char *why_not, struct loss_error *error)
{
    return fail_element(&read->tensor, name, read->word_index, read->word_text, LOSS_WRONG_TYPE,
                        why_not, error);
}
