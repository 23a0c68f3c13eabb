/* config.c - the table of settings and where their values come from. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "codec/words.h"
#include "loss/tensor.h"

extern char **environ;

enum { NAME_BYTES = 64 };

/* A setting is a number in a range, one of some words (stored by index), or a text. */
struct setting {
    const char *name;
    const char *initial;
    uint64_t minimum, maximum;
    const char *words[5];
    bool is_text;
    size_t offset; /* in struct config */
    const char *help;
};

/* clang-format off */
#define NUMBER(field, initial, minimum, maximum, help) \
    {#field, initial, minimum, maximum, {0}, false, offsetof(struct config, server.field), help}
#define TEXT(field, initial, help) \
    {#field, initial, 0, 0, {0}, true, offsetof(struct config, server.field), help}
#define WORDS(...) __VA_ARGS__
#define WORD(field, initial, words, help) \
    {#field, initial, 0, 0, {words}, false, offsetof(struct config, field), help}

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define HOUR_MS UINT64_C(3600000)

static const struct setting settings[] = {
    TEXT(listen_address, "127.0.0.1", "numeric address to listen on; 0.0.0.0 or :: for all"),
    NUMBER(listen_port, "8080", 0, 65535, "port; 0 lets the kernel pick one"),
    NUMBER(loops, "1", 1, 1, "event loops; this version has one"),
    NUMBER(workers, "0", 0, 1024, "worker threads; 0: one for each usable CPU"),
    NUMBER(queue_jobs_max, "0", 0, 1000000, "requests that may wait for a worker; 0: 2 x workers"),
    NUMBER(inline_bytes_max, "8192", 0, MIB, "bodies up to this run on the loop, not on a worker"),
    NUMBER(json_bytes_max, "33554432", 1, 64 * GIB, "largest JSON body"),
    NUMBER(elements_max, "67108864", 1, GIB, "most elements of one tensor"),
    NUMBER(envelope_bytes_max, "65536", 64, MIB, "largest JSON body without its tensors"),
    NUMBER(json_depth_max, "32", 2, LOSS_RANK_MAX, "deepest nesting of JSON"),
    NUMBER(memory_budget_bytes, "0", MIB, 1024 * GIB,
           "most memory that requests may hold; 0: 60 % of what there is"),
    NUMBER(pool_bytes_max, "67108864", 0, 64 * GIB, "most memory kept for later requests"),
    NUMBER(connections_max, "1024", 1, 1000000, "open connections; more wait to be accepted"),
    NUMBER(header_timeout_ms, "5000", 10, HOUR_MS, "time for a request's headers to arrive"),
    NUMBER(body_rate_min_bytes_per_s, "65536", 0, GIB, "slowest body; 0: no limit"),
    NUMBER(body_rate_grace_ms, "5000", 10, HOUR_MS, "time before that rate is looked at"),
    NUMBER(idle_timeout_ms, "30000", 1000, HOUR_MS, "time a connection may wait for a request"),
    NUMBER(request_timeout_ms, "30000", 1, HOUR_MS, "time from a request's headers to its answer"),
    NUMBER(response_timeout_ms, "60000", 10, HOUR_MS, "time for a reply to be read by its client"),
    NUMBER(drain_delay_ms, "0", 0, HOUR_MS, "time to serve on, not ready, after SIGTERM"),
    NUMBER(drain_timeout_ms, "25000", 0, HOUR_MS, "time to finish what was accepted, after that"),
    WORD(log_level, "info", WORDS("debug", "info", "warning", "error"), "least level logged"),
    WORD(log_format, "text", WORDS("text", "json"), "form of the log on standard error"),
};
/* clang-format on */

enum { SETTINGS = sizeof settings / sizeof settings[0] };

struct text_copy {
    struct text_copy *next;
    char text[];
};

/* Where a value comes from, for the line about a fault. */
struct origin {
    const char *text; /* "--workers", "LOSSD_WORKERS", "lossd.json:3: workers" */
    char *fault;
};

static bool refuse(const struct origin *origin, const char *format, const char *a, const char *b)
{
    int length = snprintf(origin->fault, CONFIG_FAULT_BYTES, "%s: ", origin->text);

    if (length > 0 && length < CONFIG_FAULT_BYTES)
        (void)snprintf(origin->fault + length, CONFIG_FAULT_BYTES - (size_t)length, format, a, b);
    return false;
}

static const struct setting *find(const char *name)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    }
    return NULL;
}

static bool refuse_unknown(const struct origin *origin, const char *name)
{
    const char *names[SETTINGS], *nearest;

    for (int i = 0; i < SETTINGS; i++)
        names[i] = settings[i].name;
    nearest = words_nearest(name, names, SETTINGS);
    if (nearest == NULL)
        return refuse(origin, "there is no such setting%s%s", "", "");
    return refuse(origin, "there is no such setting; did you mean %s%s?", nearest, "");
}

static bool set_text(struct config *config, const struct setting *setting, const char *value,
                     const struct origin *origin)
{
    struct text_copy *copy = malloc(sizeof *copy + strlen(value) + 1);

    if (copy == NULL)
        return refuse(origin, "there is not enough memory%s%s", "", "");
    copy->next = config->strings;
    config->strings = copy;
    strcpy(copy->text, value);
    *(const char **)(void *)((char *)config + setting->offset) = copy->text;
    return true;
}

static bool set_word(struct config *config, const struct setting *setting, const char *value,
                     const struct origin *origin)
{
    char quoted[NAME_BYTES], list[160];
    size_t count = 0;

    for (; setting->words[count] != NULL; count++) {
        if (strcmp(setting->words[count], value) == 0) {
            *(uint64_t *)(void *)((char *)config + setting->offset) = count;
            return true;
        }
    }
    return refuse(origin, "%s is not one of %s", words_quote(value, quoted, sizeof quoted),
                  words_list(setting->words, count, list, sizeof list));
}

static bool set_number(struct config *config, const struct setting *setting, const char *value,
                       const struct origin *origin)
{
    char quoted[NAME_BYTES], range[96];
    bool digits = value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
    bool by_default = strcmp(setting->initial, "0") == 0; /* a 0 that stands for something */
    uint64_t number;

    (void)snprintf(range, sizeof range, "%s%" PRIu64 " to %" PRIu64,
                   by_default && setting->minimum > 0 ? "0, or " : "", setting->minimum,
                   setting->maximum);
    errno = 0;
    number = digits ? strtoull(value, NULL, 10) : 0;
    if (!digits)
        return refuse(origin, "%s is not a whole number (%s)",
                      words_quote(value, quoted, sizeof quoted), range);
    if (errno != 0 || number > setting->maximum ||
        (number < setting->minimum && !(by_default && number == 0)))
        return refuse(origin, "%s is out of range (%s)", words_quote(value, quoted, sizeof quoted),
                      range);
    *(uint64_t *)(void *)((char *)config + setting->offset) = number;
    return true;
}

static bool set(struct config *config, const struct setting *setting, const char *value,
                const struct origin *origin)
{
    if (setting->is_text)
        return set_text(config, setting, value, origin);
    if (setting->words[0] != NULL)
        return set_word(config, setting, value, origin);
    return set_number(config, setting, value, origin);
}

/* ---- the file ---------------------------------------------------------------------------------- */

/* The line of a file in which a key stands. */
static int line_of(const char *text, const char *key)
{
    char quoted[NAME_BYTES + 3];
    const char *found;
    int line = 1;

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", key);
    found = strstr(text, quoted);
    for (const char *at = text; found != NULL && at < found; at++)
        line += *at == '\n';
    return line;
}

static bool set_from_json(struct config *config, const struct setting *setting, const json_t *value,
                          const struct origin *origin)
{
    char digits[24];

    if (json_is_integer(value) && !setting->is_text && setting->words[0] == NULL) {
        (void)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return set(config, setting, digits, origin);
    }
    if (json_is_string(value) && (setting->is_text || setting->words[0] != NULL))
        return set(config, setting, json_string_value(value), origin);
    return refuse(origin, "the value must be %s%s",
                  setting->is_text || setting->words[0] != NULL ? "a string" : "a whole number",
                  "");
}

static bool load_json(struct config *config, const char *path, const char *text, char *fault)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    const char *key;
    json_t *value;
    bool good = true;

    if (!json_is_object(root)) {
        (void)snprintf(fault, CONFIG_FAULT_BYTES, "%s:%d: %s", path, root == NULL ? error.line : 1,
                       root == NULL ? error.text : "the settings must be a JSON object");
        json_decref(root);
        return false;
    }
    json_object_foreach (root, key, value) {
        const struct setting *setting = find(key);
        char place[CONFIG_FAULT_BYTES / 2];
        const struct origin origin = {place, fault};

        (void)snprintf(place, sizeof place, "%s:%d: %.*s", path, line_of(text, key), NAME_BYTES,
                       key);
        good = setting != NULL ? set_from_json(config, setting, value, &origin)
                               : refuse_unknown(&origin, key);
        if (!good)
            break;
    }
    json_decref(root);
    return good;
}

static bool load_file(struct config *config, const char *path, char *fault)
{
    enum { FILE_BYTES_MAX = 256 * 1024 };
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? calloc(1, FILE_BYTES_MAX + 1) : NULL;
    bool good = false;
    size_t length;

    if (text == NULL) {
        (void)snprintf(fault, CONFIG_FAULT_BYTES, "%s: cannot be read: %s", path, strerror(errno));
    } else {
        length = fread(text, 1, FILE_BYTES_MAX + 1, file);
        if (ferror(file) != 0 || length > FILE_BYTES_MAX)
            (void)snprintf(fault, CONFIG_FAULT_BYTES,
                           "%s: cannot be read, or has more than %d bytes", path, FILE_BYTES_MAX);
        else
            good = load_json(config, path, text, fault);
    }
    free(text);
    if (file != NULL)
        (void)fclose(file);
    return good;
}

/* ---- environment and flags --------------------------------------------------------------------- */

/* Whether Kubernetes sets the variable for a service that is called lossd. */
static bool is_service_link(const char *name)
{
    return strncmp(name, "LOSSD_SERVICE_", 14) == 0 || strncmp(name, "LOSSD_PORT", 10) == 0;
}

static bool load_environment(struct config *config, char *fault)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        char variable[NAME_BYTES], name[NAME_BYTES];
        const struct origin origin = {variable, fault};
        const struct setting *setting;
        size_t length;

        if (strncmp(*entry, "LOSSD_", 6) != 0 || equals == NULL || is_service_link(*entry) ||
            strncmp(*entry, "LOSSD_CONFIG=", 13) == 0)
            continue;
        length = (size_t)(equals - *entry);
        (void)snprintf(variable, sizeof variable, "%.*s", (int)length, *entry);
        for (size_t i = 6; i <= strlen(variable); i++)
            name[i - 6] = (char)tolower((unsigned char)variable[i]);
        setting = find(name);
        if (setting == NULL)
            return refuse_unknown(&origin, name);
        if (!set(config, setting, equals + 1, &origin))
            return false;
    }
    return true;
}

/* Split arguments[*index], and the one after it if there is no '=', into a setting's name and value.
 * False if it is no flag with a value. */
static bool split_flag(int count, char *const *arguments, int *index, char *name,
                       const char **value, const struct origin *origin)
{
    const char *flag = arguments[*index], *equals = strchr(flag, '=');
    size_t length = equals != NULL ? (size_t)(equals - flag) : strlen(flag);

    if (strncmp(flag, "--", 2) != 0 || length <= 2)
        return refuse(origin, "this is not understood; see lossd --help%s%s", "", "");
    (void)snprintf(name, NAME_BYTES, "%.*s", (int)(length - 2), flag + 2);
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '-' ? '_' : *at;
    if (equals != NULL) {
        *value = equals + 1;
    } else if (strcmp(name, "config") != 0 && find(name) == NULL) {
        return refuse_unknown(origin, name);
    } else if (*index + 1 == count) {
        return refuse(origin, "a value must follow%s%s", "", "");
    } else {
        *value = arguments[++*index];
    }
    return true;
}

/* The settings among the flags; or, if `path` is not NULL, --config alone. */
static bool load_flags(struct config *config, int count, char *const *arguments, const char **path,
                       char *fault)
{
    for (int i = 0; i < count; i++) {
        char name[NAME_BYTES], flag[NAME_BYTES];
        const struct origin origin = {flag, fault};
        const struct setting *setting;
        const char *value = NULL;

        (void)snprintf(flag, sizeof flag, "%.*s", (int)strcspn(arguments[i], "="), arguments[i]);
        if (!split_flag(count, arguments, &i, name, &value, &origin))
            return false;
        if (strcmp(name, "config") == 0) {
            if (path != NULL)
                *path = value;
            continue;
        }
        setting = find(name);
        if (setting == NULL)
            return refuse_unknown(&origin, name);
        if (path == NULL && !set(config, setting, value, &origin))
            return false;
    }
    return true;
}

bool config_load(struct config *config, int count, char *const *arguments, char *fault)
{
    const struct origin origin = {"default", fault};
    const char *path = getenv("LOSSD_CONFIG");

    memset(config, 0, sizeof *config);
    for (int i = 0; i < SETTINGS; i++) {
        if (!set(config, &settings[i], settings[i].initial, &origin))
            return false;
    }
    return load_flags(config, count, arguments, &path, fault) &&
           (path == NULL || load_file(config, path, fault)) && load_environment(config, fault) &&
           load_flags(config, count, arguments, NULL, fault);
}

void config_free(struct config *config)
{
    struct text_copy *copy = config->strings;

    while (copy != NULL) {
        struct text_copy *next = copy->next;

        free(copy);
        copy = next;
    }
    config->strings = NULL;
}

/* ---- printing ---------------------------------------------------------------------------------- */

void config_print(const struct config *config, FILE *file)
{
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting *setting = &settings[i];
        const char *place = (const char *)config + setting->offset;

        (void)fprintf(file, "%s\n  \"%s\": ", i == 0 ? "{" : ",", setting->name);
        if (setting->is_text) {
            json_t *text = json_string(*(const char *const *)(const void *)place);

            (void)json_dumpf(text, file, JSON_ENCODE_ANY);
            json_decref(text);
        } else if (setting->words[0] != NULL) {
            (void)fprintf(file, "\"%s\"", setting->words[*(const uint64_t *)(const void *)place]);
        } else {
            (void)fprintf(file, "%" PRIu64, *(const uint64_t *)(const void *)place);
        }
    }
    (void)fputs("\n}\n", file);
}

void config_print_help(FILE *file)
{
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting *setting = &settings[i];
        char flag[NAME_BYTES], list[160] = "";

        (void)snprintf(flag, sizeof flag, "%s", setting->name);
        for (char *at = flag; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        if (setting->words[0] != NULL) {
            size_t count = 0;

            while (setting->words[count] != NULL)
                count++;
            (void)words_list(setting->words, count, list, sizeof list);
        } else if (!setting->is_text) {
            (void)snprintf(list, sizeof list, "%" PRIu64 " to %" PRIu64, setting->minimum,
                           setting->maximum);
        }
        (void)fprintf(file, "  --%-27s %s\n  %-29s default %s%s%s\n", flag, setting->help, "",
                      setting->initial, list[0] != '\0' ? "; " : "", list);
    }
}
