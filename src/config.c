/* config.c - the settings from their four sources, and how they are printed. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

extern char **environ;

/* ---- the file -------------------------------------------------------------------------------- */

/* The line of a file in which a key stands. */
static int line_of(const char *text, const char *key)
{
    char quoted[CONFIG_NAME_BYTES + 3];
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
        return config_set(config, setting, digits, origin);
    }
    if (json_is_string(value) && (setting->is_text || setting->words[0] != NULL))
        return config_set(config, setting, json_string_value(value), origin);
    return config_refuse(
        origin, "the value must be %s%s",
        setting->is_text || setting->words[0] != NULL ? "a string" : "a whole number", "");
}

static bool load_json(struct config *config, const char *path, const char *text, size_t length,
                      char *fault)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
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
        const struct setting *setting = config_find(key);
        char place[CONFIG_FAULT_BYTES / 2];
        const struct origin origin = {place, fault};

        (void)snprintf(place, sizeof place, "%s:%d: %.*s", path, line_of(text, key),
                       CONFIG_NAME_BYTES, key);
        good = setting != NULL ? set_from_json(config, setting, value, &origin)
                               : config_refuse_unknown(&origin, key);
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
            good = load_json(config, path, text, length, fault);
    }
    free(text);
    if (file != NULL)
        (void)fclose(file);
    return good;
}

/* ---- environment and flags ------------------------------------------------------------------- */

/* Whether Kubernetes sets the variable, NAME=VALUE, for a service that is called lossd.
 * LOSSD_PORT=8080 is somebody's mistake. */
static bool is_service_link(const char *entry)
{
    return strncmp(entry, "LOSSD_SERVICE_", 14) == 0 || strncmp(entry, "LOSSD_PORT_", 11) == 0 ||
           (strncmp(entry, "LOSSD_PORT=", 11) == 0 && strstr(entry, "://") != NULL);
}

/* Set from bytes of any kind; a file's are text already. */
static bool set_from_bytes(struct config *config, const struct setting *setting, const char *value,
                           const struct origin *origin)
{
    json_t *text = json_string(value);

    json_decref(text);
    if (text == NULL)
        return config_refuse(origin, "the value is not valid UTF-8%s%s", "", "");
    return config_set(config, setting, value, origin);
}

static bool load_environment(struct config *config, char *fault)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        char variable[CONFIG_NAME_BYTES], name[CONFIG_NAME_BYTES];
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
        setting = config_find(name);
        if (setting == NULL)
            return config_refuse_unknown(&origin, name);
        if (!set_from_bytes(config, setting, equals + 1, &origin))
            return false;
    }
    return true;
}

/* Split arguments[*index], and the one after it if there is no '=', into a setting's name and
 * value.  False if it is no flag with a value. */
static bool split_flag(int count, char *const *arguments, int *index, char *name,
                       const char **value, const struct origin *origin)
{
    const char *flag = arguments[*index], *equals = strchr(flag, '=');
    size_t length = equals != NULL ? (size_t)(equals - flag) : strlen(flag);

    if (strncmp(flag, "--", 2) != 0 || length <= 2)
        return config_refuse(origin, "this is not understood; see lossd --help%s%s", "", "");
    (void)snprintf(name, CONFIG_NAME_BYTES, "%.*s", (int)(length - 2), flag + 2);
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '-' ? '_' : *at;
    if (equals != NULL) {
        *value = equals + 1;
    } else if (strcmp(name, "config") != 0 && config_find(name) == NULL) {
        return config_refuse_unknown(origin, name);
    } else if (*index + 1 == count) {
        return config_refuse(origin, "a value must follow%s%s", "", "");
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
        char name[CONFIG_NAME_BYTES], flag[CONFIG_NAME_BYTES];
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
        setting = config_find(name);
        if (setting == NULL)
            return config_refuse_unknown(&origin, name);
        if (path == NULL && !set_from_bytes(config, setting, value, &origin))
            return false;
    }
    return true;
}

bool config_load(struct config *config, int count, char *const *arguments, char *fault)
{
    const struct origin origin = {"default", fault};
    const struct setting *settings;
    size_t count_of_settings;
    const char *path = getenv("LOSSD_CONFIG");

    memset(config, 0, sizeof *config);
    settings = config_settings(&count_of_settings);
    for (size_t i = 0; i < count_of_settings; i++) {
        if (!config_set(config, &settings[i], settings[i].initial, &origin))
            return false;
    }
    return load_flags(config, count, arguments, &path, fault) &&
           (path == NULL || load_file(config, path, fault)) && load_environment(config, fault) &&
           load_flags(config, count, arguments, NULL, fault);
}

/* ---- printing -------------------------------------------------------------------------------- */

void config_print(const struct config *config, FILE *file)
{
    size_t count;
    const struct setting *settings = config_settings(&count);

    for (size_t i = 0; i < count; i++) {
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
