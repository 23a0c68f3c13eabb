/* list.h - the elements of a header's list, RFC 9110, section 5.6, as Accept and Accept-Encoding
 * have them: with parameters, of which q is a quality.  Nothing is copied; case does not matter. */
#ifndef SERVER_LIST_H
#define SERVER_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *start;
    size_t length;
};

struct list_parameter {
    struct span name, value; /* the value with its quotes, if it has any */
};

/* An element of a list: "type/subtype", or a coding, whose subtype is empty. */
struct list_element {
    struct span type, subtype;
    const char *parameters; /* what follows */
    int quality;            /* in thousandths */
};

bool span_same(struct span a, struct span b);
bool span_is(struct span span, const char *text);

/* The next element that is well-formed; false at the end.  *at is the whole list at first. */
bool list_next(const char **at, struct list_element *element);

/* The next parameter of an element, behind its semicolon; *at is the element's `parameters` at
 * first.  False: there is none, and *at is at what there is instead, or NULL if the parameter is
 * malformed, which it never is in what list_next returns. */
bool list_next_parameter(const char **at, struct list_parameter *parameter);

/* Whether a parameter's value, in quotes or not, is this. */
bool list_value_is(struct span value, const char *text);

#endif
