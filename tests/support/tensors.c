/* tensors.c - nested arrays of numbers, read from a text of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/scanners.h"
#include "support/tensors.h"

enum loss_status tensor_read(const char *text, int mode, size_t elements_max,
                             struct loss_arena *arena, struct tensor_json *read,
                             struct loss_error *error, size_t *after)
{
    struct scanner scanner = scanner_open(text, strlen(text), error);
    enum loss_status status;

    scanner.depth = 1;
    memcpy(scanner.key, "logits", sizeof "logits");
    status = tensor_json_read(&scanner, (enum tensor_json_mode)mode, elements_max, arena, read);
    if (status == LOSS_OK)
        assert_int_equal(scanner.depth, 1);
    else
        assert_int_equal(error->status, status);
    *after = (size_t)(scanner.at - scanner.text);
    scanner_close(&scanner);
    return status;
}
