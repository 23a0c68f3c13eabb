/* config_internal.h - the table of settings, shared by config.c and config_table.c. */
#ifndef CONFIG_INTERNAL_H
#define CONFIG_INTERNAL_H

#include "config.h"

enum { CONFIG_NAME_BYTES = 64 };

/* A setting is a number in a range, one of some words (stored by index), or a text. */
struct setting {
    const char *name;
    const char *initial; /* "0" with a larger minimum: a 0 that stands for something */
    uint64_t minimum, maximum;
    const char *words[6]; /* NULL ends them */
    bool is_text;
    size_t offset; /* in struct config */
    const char *help;
    /* What is wrong with a text, to come after its value, or NULL; NULL itself: any will do. */
    const char *(*fault)(const char *value);
};

/* Where a value comes from, for the line about a fault. */
struct origin {
    const char *text; /* "--workers", "LOSSD_WORKERS", "lossd.json:3: workers" */
    char *fault;      /* CONFIG_FAULT_BYTES */
};

/* The table, *count rows of it. */
const struct setting *config_settings(size_t *count);

/* NULL if there is none of this name. */
const struct setting *config_find(const char *name);

/* Set from text; false, with the fault written, if the value is not one. */
bool config_set(struct config *config, const struct setting *setting, const char *value,
                const struct origin *origin);

/* Write a fault, and return false.  `format` has two %s. */
bool config_refuse(const struct origin *origin, const char *format, const char *a, const char *b);
bool config_refuse_unknown(const struct origin *origin, const char *name);

#endif
