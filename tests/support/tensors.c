/* tensors.c - nested arrays of numbers, read from a text of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "support/tensors.h"

enum loss_status tensor_read(const char *text, int mode, size_t elements_max,
                             struct loss_arena *arena, struct tensor_json *read,
                             struct loss_error *error, size_t *after)
{
    size_t length = strlen(text);
    char *copy = calloc(length + DECIMAL_PADDING, 1);
    struct scanner scanner = {.text = copy,
                              .at = copy,
                              .end = copy + length,
                              .depth = 1,
                              .depth_max = 32,
                              .key = "logits",
                              .error = error};
    enum loss_status status;

    assert_non_null(copy);
    memcpy(copy, text, length);
    status = tensor_json_read(&scanner, (enum tensor_json_mode)mode, elements_max, arena, read);
    if (status == LOSS_OK)
        assert_int_equal(scanner.depth, 1);
    else
        assert_int_equal(error->status, status);
    *after = (size_t)(scanner.at - copy);
    free(copy);
    return status;
}
