/* config.h - the settings: one table, from which flags, environment, file, help and `lossd config`
 * all come.  A flag wins over the environment, that over the file, that over the default. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "observe/log.h"
#include "server/options.h"

struct config {
    struct server_options server;
    uint64_t confine;    /* enum confine */
    uint64_t kernel;     /* index of its words; config_kernel says which */
    uint64_t log_level;  /* enum log_level */
    uint64_t log_format; /* enum log_format */
    void *strings;       /* what the options point to; config_free's */
};

enum { CONFIG_FAULT_BYTES = 512 };

/* Fill *config from the defaults, the file named by --config or LOSSD_CONFIG, the environment
 * and the flags in arguments[0 .. count-1].  False, with one line in fault[CONFIG_FAULT_BYTES]
 * that names the source, the setting and the reason, if anything is not as it should be.
 * *config is to be freed either way. */
bool config_load(struct config *config, int count, char *const *arguments, char *fault);
void config_free(struct config *config);

/* The word of the setting `kernel`, for loss_kernel_choose. */
const char *config_kernel(const struct config *config);

/* Write the settings as a JSON object, in the order and form of a settings file. */
void config_print(const struct config *config, FILE *file);

/* Write a line or two for each setting: flag, range, default, meaning. */
void config_print_help(FILE *file);

#endif
