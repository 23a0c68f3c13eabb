/* status.c - codes and texts of the statuses, and how a failure is written down. */
#include "loss/status.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code;
    const char *text;
} statuses[LOSS_STATUS_COUNT] = {
#define STATUS_ROW(name, code, text) [name] = {code, text},
    LOSS_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *loss_status_code(enum loss_status status)
{
    return statuses[status].code;
}

const char *loss_status_text(enum loss_status status)
{
    return statuses[status].text;
}

enum loss_status loss_fail(struct loss_error *error, enum loss_status status, const char *where,
                           const char *format, ...)
{
    va_list arguments;

    error->status = status;
    va_start(arguments, format);
    (void)vsnprintf(error->sentence, sizeof error->sentence, format, arguments); /* cut if long */
    va_end(arguments);
    (void)snprintf(error->where, sizeof error->where, "%s", where != NULL ? where : "");
    return status;
}

enum loss_status loss_fail_plainly(struct loss_error *error, enum loss_status status)
{
    return loss_fail(error, status, NULL, "%s", loss_status_text(status));
}

enum loss_status loss_fail_memory(struct loss_error *error)
{
    return loss_fail_plainly(error, LOSS_OUT_OF_MEMORY);
}
