/* list.c - the elements of a header's list. */
#include "server/list.h"

#include <string.h>
#include <strings.h>

#include "server/head.h"

enum { QUALITY_MAX = 1000 };

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static struct span read_token(const char **at)
{
    struct span token = {*at, 0};

    while (head_is_token((unsigned char)**at))
        (*at)++;
    token.length = (size_t)(*at - token.start);
    return token;
}

/* Behind a quoted string; NULL if it does not end. */
static const char *skip_quoted(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return NULL;
    }
    return at + 1;
}

bool span_same(struct span a, struct span b)
{
    return a.length == b.length && strncasecmp(a.start, b.start, a.length) == 0;
}

bool span_is(struct span span, const char *text)
{
    return span_same(span, (struct span){text, strlen(text)});
}

bool list_value_is(struct span value, const char *text)
{
    if (value.start[0] != '"')
        return span_is(value, text);
    for (size_t i = 1; i + 1 < value.length; i++) {
        if (value.start[i] == '\\')
            i++;
        if (strncasecmp(&value.start[i], text++, 1) != 0) /* nor is it the text's NUL */
            return false;
    }
    return *text == '\0';
}

/* name=value */
static bool read_parameter(const char **at, struct list_parameter *parameter)
{
    const char *end;

    parameter->name = read_token(at);
    if (parameter->name.length == 0 || **at != '=')
        return false;
    ++*at;
    if (**at != '"') {
        parameter->value = read_token(at);
        return parameter->value.length > 0;
    }
    end = skip_quoted(*at);
    if (end == NULL)
        return false;
    parameter->value = (struct span){*at, (size_t)(end - *at)};
    *at = end;
    return true;
}

bool list_next_parameter(const char **at, struct list_parameter *parameter)
{
    *at = skip_blanks(*at);
    while (**at == ';') {
        *at = skip_blanks(*at + 1);
        if (**at == ';' || **at == ',' || **at == '\0')
            continue; /* RFC 9110 lets them be empty */
        if (read_parameter(at, parameter))
            return true;
        *at = NULL;
        return false;
    }
    return false;
}

/* 0 to 1 with up to three digits behind the point; ".2", without its 0, is what Java used to send.
 * Negative if it is malformed. */
static int quality_of(struct span value)
{
    const char *at = value.start, *end = at + value.length;
    int quality = 0, unit = QUALITY_MAX;

    if (*at == '0' || *at == '1')
        quality = (*at++ - '0') * unit;
    else if (*at != '.' || value.length == 1)
        return -1;
    if (at < end && *at++ != '.')
        return -1;
    for (; at < end; at++) {
        unit /= 10;
        if (*at < '0' || *at > '9' || unit == 0)
            return -1;
        quality += (*at - '0') * unit;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

/* An element and all its parameters, as far as its end or whatever does not belong there. */
static bool read_element(const char **at, struct list_element *element)
{
    struct list_parameter parameter;

    *element = (struct list_element){.type = read_token(at), .quality = QUALITY_MAX};
    if (element->type.length == 0)
        return false;
    if (**at == '/') {
        ++*at;
        element->subtype = read_token(at);
        if (element->subtype.length == 0)
            return false;
    }
    element->parameters = *at;
    while (list_next_parameter(at, &parameter)) {
        if (span_is(parameter.name, "q"))
            element->quality = quality_of(parameter.value);
        if (element->quality < 0)
            return false;
    }
    return *at != NULL && (**at == ',' || **at == '\0');
}

/* The comma after an element, or the end of the list. */
static const char *skip_element(const char *at)
{
    while (at != NULL && *at != ',' && *at != '\0')
        at = *at == '"' ? skip_quoted(at) : at + 1;
    return at != NULL ? at : "";
}

bool list_next(const char **at, struct list_element *element)
{
    while (*(*at += strspn(*at, ", \t")) != '\0') {
        const char *start = *at;

        if (read_element(at, element))
            return true;
        *at = skip_element(start);
    }
    return false;
}
