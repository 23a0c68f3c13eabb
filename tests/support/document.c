/* document.c - places in the description of the routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/exchange.h"
#include "support/document.h"

enum { NAME_BYTES = 128 };

/* Copy the next name of a pointer without its escapes; returns what follows it. */
static const char *take_name(const char *pointer, char name[NAME_BYTES])
{
    size_t length = 0;

    for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++) {
        assert_true(length + 1 < NAME_BYTES);
        name[length] = *pointer;
        if (*pointer == '~')
            name[length] = *++pointer == '1' ? '/' : '~';
        length++;
    }
    name[length] = '\0';
    return pointer;
}

json_t *document_at(const json_t *document, const char *pointer)
{
    json_t *value = (json_t *)(uintptr_t)document;
    char name[NAME_BYTES];

    for (const char *at = pointer; *at != '\0';) {
        assert_int_equal(*at, '/');
        at = take_name(at, name);
        value = json_object_get(value, name);
        if (value == NULL)
            fail_msg("there is no %s in %s", name, pointer);
    }
    return value;
}

static json_t *member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (value == NULL)
        fail_msg("%s is missing", name);
    return value;
}

json_t *document_schema(const json_t *document, const char *name)
{
    return member(document_at(document, "/components/schemas"), name);
}

json_t *document_path(const json_t *document, const char *path)
{
    return member(document_at(document, "/paths"), path);
}

const json_t *document_named(const json_t *array, const char *key, const char *string)
{
    json_t *item;
    size_t i;

    json_array_foreach(array, i, item)
    {
        const char *found = json_string_value(json_object_get(item, key));

        if (found != NULL && strcmp(found, string) == 0)
            return item;
    }
    return NULL;
}

bool document_lists(const json_t *array, const char *string)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *found = json_string_value(json_array_get(array, i));

        if (found != NULL && strcmp(found, string) == 0)
            return true;
    }
    return false;
}

const char *document_method(enum method method)
{
    static const char *const keys[METHOD_OTHER] = {"get", "head", "post"};

    return keys[method];
}

bool document_is_status(unsigned http_status)
{
    for (int i = 0; i < LOSS_STATUS_COUNT; i++) {
        if (exchange_http_status((enum loss_status)i) == http_status)
            return true;
    }
    return false;
}
