/* negotiate.c - what a client would rather have. */
#include "server/negotiate.h"

#include <string.h>

#include "server/list.h"

/* The next media range.  A "*" alone is what Java used to send for everything. */
static bool next_range(const char **at, struct list_element *element)
{
    while (list_next(at, element)) {
        bool everything = span_is(element->type, "*");

        if (element->subtype.length == 0 ? everything
                                         : !everything || span_is(element->subtype, "*"))
            return true;
    }
    return false;
}

/* How closely an element names an offer; 0 if it does not. */
enum closeness { NOT_NAMED, BY_ANYTHING, BY_TYPE, BY_NAME, BY_PARAMETER };

static enum closeness by_parameter(const struct list_element *element, const char *wanted)
{
    struct span name = {wanted, strcspn(wanted, "=")};
    enum closeness closeness = BY_NAME;
    struct list_parameter parameter;

    for (const char *at = element->parameters; list_next_parameter(&at, &parameter);) {
        if (!span_same(parameter.name, name))
            continue;
        if (!list_value_is(parameter.value, wanted + name.length + 1))
            return NOT_NAMED;
        closeness = BY_PARAMETER;
    }
    return closeness;
}

static enum closeness closeness_of(const struct list_element *element, const struct offer *offer)
{
    struct span type = {offer->type, strcspn(offer->type, "/")};
    const char *subtype = offer->type + type.length + 1;

    if (span_is(element->type, "*"))
        return BY_ANYTHING;
    if (span_same(element->type, type) && span_is(element->subtype, "*"))
        return BY_TYPE;
    if (!span_same(element->type, type) || !span_is(element->subtype, subtype))
        return NOT_NAMED;
    return offer->parameter != NULL ? by_parameter(element, offer->parameter) : BY_NAME;
}

/* The element that names an offer most closely counts, of equals the one that likes it best. */
static int quality_for(const char *accept, const struct offer *offer, enum closeness *closest)
{
    struct list_element element;
    int quality = 0;

    *closest = NOT_NAMED;
    while (next_range(&accept, &element)) {
        enum closeness closeness = closeness_of(&element, offer);

        if (closeness < *closest || closeness == NOT_NAMED)
            continue;
        if (closeness > *closest || element.quality > quality)
            quality = element.quality;
        *closest = closeness;
    }
    return quality;
}

int negotiate_media(const char *accept, const struct offer *offers, size_t count)
{
    enum closeness closest = NOT_NAMED, closeness;
    const char *at = accept;
    struct list_element element;
    int best = -1, best_quality = 1; /* below it nothing is taken */

    if (accept == NULL || !next_range(&at, &element))
        return 0;
    for (size_t i = 0; i < count; i++) {
        int quality = quality_for(accept, &offers[i], &closeness);

        if (quality < best_quality || (quality == best_quality && closeness <= closest))
            continue;
        best = (int)i;
        best_quality = quality;
        closest = closeness;
    }
    return best;
}

static bool names_coding(const struct list_element *element, enum coding coding)
{
    return span_is(element->type, coding_name(coding)) ||
           (coding == CODING_GZIP && span_is(element->type, "x-gzip"));
}

/* 0 as well for identity if it is not named: it may be sent, but whatever is named is better. */
static int quality_for_coding(const char *list, enum coding coding)
{
    struct list_element element;
    int named = -1, others = 0;

    while (list_next(&list, &element)) {
        if (element.subtype.length > 0)
            continue;
        if (names_coding(&element, coding))
            named = element.quality;
        else if (span_is(element.type, "*"))
            others = element.quality;
    }
    return named >= 0 ? named : others;
}

enum coding negotiate_coding(const char *accept_encoding)
{
    static const enum coding preferred[] = {CODING_GZIP, CODING_DEFLATE, CODING_IDENTITY};
    enum coding best = CODING_IDENTITY;
    int best_quality = 0;

    for (size_t i = 0; accept_encoding != NULL && i < CODING_COUNT; i++) {
        int quality = quality_for_coding(accept_encoding, preferred[i]);

        if (quality > best_quality) {
            best = preferred[i];
            best_quality = quality;
        }
    }
    return best;
}
