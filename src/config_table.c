/* config_table.c - the table of settings, and how a value is checked against its row. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "codec/words.h"
#include "config_internal.h"
#include "loss/tensor.h"

static const char *address_fault(const char *value)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, value, &address) == 1 || inet_pton(AF_INET6, value, &address) == 1)
        return NULL;
    return "is not a numeric IPv4 or IPv6 address";
}

static const char *other_address_fault(const char *value)
{
    return value[0] != '\0' ? address_fault(value) : NULL;
}

/* Browsers send the origin of a page in one form only (RFC 6454, section 6.2), and it is compared
 * to the letter: no other could ever match. */
static const char *origin_fault(const char *value)
{
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    const char *at = value + strspn(value, scheme);

    if (value[0] == '\0' || strcmp(value, "*") == 0 || strcmp(value, "null") == 0)
        return NULL;
    if (at != value && strncmp(at, "://", 3) == 0) {
        at += 3;
        if (at[0] != '\0' && at[strcspn(at, "/?#@, \tABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0')
            return NULL;
    }
    return "is not an origin as browsers send it, like https://example.org or "
           "http://localhost:3000";
}

/* clang-format off */
#define NUMBER(field, initial, minimum, maximum, help) \
    {#field, initial, minimum, maximum, {0}, false, offsetof(struct config, server.field), \
     help, NULL}
#define TEXT(field, initial, help) CHECKED(field, initial, NULL, help)
#define CHECKED(field, initial, fault, help) \
    {#field, initial, 0, 0, {0}, true, offsetof(struct config, server.field), help, fault}
#define WORDS(...) __VA_ARGS__
#define WORD(field, initial, words, help) \
    {#field, initial, 0, 0, {words}, false, offsetof(struct config, field), help, NULL}
#define SERVER_WORD(field, initial, words, help) \
    {#field, initial, 0, 0, {words}, false, offsetof(struct config, server.field), help, NULL}

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define HOUR_MS UINT64_C(3600000)

static const struct setting settings[] = {
    CHECKED(listen_address, "127.0.0.1", address_fault,
            "numeric address to listen on; 0.0.0.0 or :: for all"),
    NUMBER(listen_port, "8080", 0, 65535, "port; 0 lets the kernel pick one"),
    CHECKED(metrics_address, "", other_address_fault,
            "address for /metrics and health alone; empty: with the rest"),
    NUMBER(metrics_port, "8081", 0, 65535, "port there; 0 lets the kernel pick one"),
    CHECKED(cors_origin, "", origin_fault, "origin whose pages may call, * for all; empty: none"),
    TEXT(tokens_file, "", "file of bearer tokens, one a line; empty: everybody may call"),
    SERVER_WORD(metrics_access, "token", WORDS("token", "open"),
                "whether /metrics needs a token once there are some"),
    TEXT(tls_certificate_file, "", "certificate in PEM, with its chain; empty: no TLS"),
    TEXT(tls_key_file, "", "its private key, in PEM"),
    TEXT(tls_client_ca_file, "", "who signs the certificates that clients need; empty: none"),
    NUMBER(loops, "0", 0, 256,
           "event loops, a thread and a socket each; 0: one for each usable CPU, 4 at most"),
    NUMBER(workers, "0", 0, 1024, "worker threads; 0: one for each usable CPU"),
    NUMBER(queue_jobs_max, "0", 0, 1000000, "requests that may wait for a worker; 0: 32 x workers"),
    NUMBER(inline_bytes_max, "8192", 0, MIB, "bodies up to this run on the loop, not on a worker"),
    NUMBER(json_bytes_max, "33554432", 1, 64 * GIB, "largest JSON body"),
    NUMBER(binary_bytes_max, "268435456", 1, 64 * GIB, "largest body of binary tensors"),
    NUMBER(elements_max, "67108864", 1, GIB, "most elements of one tensor"),
    NUMBER(envelope_bytes_max, "65536", 64, MIB, "largest JSON body without its tensors"),
    NUMBER(json_depth_max, "32", 2, LOSS_RANK_MAX, "deepest nesting of JSON"),
    NUMBER(confusion_classes_max, "1000", 0, 16384, "most classes of a confusion_matrix"),
    NUMBER(memory_budget_bytes, "0", MIB, 1024 * GIB,
           "most memory that requests may hold; 0: 60 % of what there is"),
    NUMBER(pool_bytes_max, "67108864", 0, 64 * GIB, "most memory kept for later requests"),
    NUMBER(connections_max, "1024", 1, 1000000, "open connections; of more, the idle are closed"),
    NUMBER(connection_memory_bytes, "65536", 16 * KIB, MIB,
           "memory of each connection: the largest head, and twice what is read of a body at once"),
    NUMBER(client_requests_max, "0", 0, 1000000, "requests of one client at a time; 0: no limit"),
    NUMBER(header_timeout_ms, "5000", 10, HOUR_MS, "time for a request's headers to arrive"),
    NUMBER(body_rate_min_bytes_per_s, "65536", 0, GIB,
           "slowest body, unless memory is short; 0: no limit"),
    NUMBER(body_rate_grace_ms, "5000", 10, HOUR_MS, "time before that rate is looked at"),
    NUMBER(idle_timeout_ms, "30000", 1000, HOUR_MS, "time a connection may wait for a request"),
    NUMBER(request_timeout_ms, "30000", 1, HOUR_MS, "time from a request's headers to its answer"),
    NUMBER(response_timeout_ms, "60000", 10, HOUR_MS, "time for a reply to be read by its client"),
    NUMBER(drain_delay_ms, "0", 0, HOUR_MS, "time to serve on, not ready, after SIGTERM"),
    NUMBER(drain_timeout_ms, "25000", 0, HOUR_MS, "time to finish what was accepted, after that"),
    WORD(confine, "on", WORDS("on", "off", "required"),
         "let the kernel refuse what serving does not need; required: or do not start"),
    WORD(kernel, "auto", WORDS("auto", "v2", "v3", "v4", "native"),
         "level of CPU that the arithmetic is for; all give the same bits"),
    WORD(log_level, "info", WORDS("debug", "info", "warning", "error"), "least level logged"),
    WORD(log_format, "text", WORDS("text", "json"), "form of the log on standard error"),
};
/* clang-format on */

enum { SETTINGS = sizeof settings / sizeof settings[0] };

struct text_copy {
    struct text_copy *next;
    char text[];
};

const struct setting *config_settings(size_t *count)
{
    *count = SETTINGS;
    return settings;
}

bool config_refuse(const struct origin *origin, const char *format, const char *a, const char *b)
{
    int length = snprintf(origin->fault, CONFIG_FAULT_BYTES, "%s: ", origin->text);

    if (length > 0 && length < CONFIG_FAULT_BYTES)
        (void)snprintf(origin->fault + length, CONFIG_FAULT_BYTES - (size_t)length, format, a, b);
    /* A fault is one line, whatever is in a name. */
    for (char *at = origin->fault; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    return false;
}

const char *config_kernel(const struct config *config)
{
    return config_find("kernel")->words[config->kernel];
}

const struct setting *config_find(const char *name)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    }
    return NULL;
}

bool config_refuse_unknown(const struct origin *origin, const char *name)
{
    const char *names[SETTINGS], *nearest;

    for (int i = 0; i < SETTINGS; i++)
        names[i] = settings[i].name;
    nearest = words_nearest(name, names, SETTINGS);
    if (nearest == NULL)
        return config_refuse(origin, "there is no such setting%s%s", "", "");
    return config_refuse(origin, "there is no such setting; did you mean %s%s?", nearest, "");
}

static bool set_text(struct config *config, const struct setting *setting, const char *value,
                     const struct origin *origin)
{
    const char *fault = setting->fault != NULL ? setting->fault(value) : NULL;
    struct text_copy *copy;
    char quoted[CONFIG_NAME_BYTES];

    if (fault != NULL)
        return config_refuse(origin, "%s %s", words_quote(value, quoted, sizeof quoted), fault);
    copy = malloc(sizeof *copy + strlen(value) + 1);
    if (copy == NULL)
        return config_refuse(origin, "there is not enough memory%s%s", "", "");
    copy->next = config->strings;
    config->strings = copy;
    strcpy(copy->text, value);
    *(const char **)(void *)((char *)config + setting->offset) = copy->text;
    return true;
}

static bool set_word(struct config *config, const struct setting *setting, const char *value,
                     const struct origin *origin)
{
    char quoted[CONFIG_NAME_BYTES], list[160];
    size_t count = 0;

    for (; setting->words[count] != NULL; count++) {
        if (strcmp(setting->words[count], value) == 0) {
            *(uint64_t *)(void *)((char *)config + setting->offset) = count;
            return true;
        }
    }
    return config_refuse(origin, "%s is not one of %s", words_quote(value, quoted, sizeof quoted),
                         words_list(setting->words, count, list, sizeof list));
}

/* Whether a 0, though it is below the range, stands for something. */
static bool takes_0(const struct setting *setting)
{
    return setting->minimum > 0 && strcmp(setting->initial, "0") == 0;
}

/* "1 to 1024", or "0, or 1 to 1024". */
static const char *range_of(const struct setting *setting, char *text, size_t size)
{
    (void)snprintf(text, size, "%s%" PRIu64 " to %" PRIu64, takes_0(setting) ? "0, or " : "",
                   setting->minimum, setting->maximum);
    return text;
}

static bool set_number(struct config *config, const struct setting *setting, const char *value,
                       const struct origin *origin)
{
    char quoted[CONFIG_NAME_BYTES], range[96];
    bool digits = value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
    uint64_t number;

    (void)range_of(setting, range, sizeof range);
    errno = 0;
    number = digits ? strtoull(value, NULL, 10) : 0;
    if (!digits)
        return config_refuse(origin, "%s is not a whole number (%s)",
                             words_quote(value, quoted, sizeof quoted), range);
    if (errno != 0 || number > setting->maximum ||
        (number < setting->minimum && !(number == 0 && takes_0(setting))))
        return config_refuse(origin, "%s is out of range (%s)",
                             words_quote(value, quoted, sizeof quoted), range);
    *(uint64_t *)(void *)((char *)config + setting->offset) = number;
    return true;
}

bool config_set(struct config *config, const struct setting *setting, const char *value,
                const struct origin *origin)
{
    if (setting->is_text)
        return set_text(config, setting, value, origin);
    if (setting->words[0] != NULL)
        return set_word(config, setting, value, origin);
    return set_number(config, setting, value, origin);
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

void config_print_help(FILE *file)
{
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting *setting = &settings[i];
        char flag[CONFIG_NAME_BYTES], list[160] = "";

        (void)snprintf(flag, sizeof flag, "%s", setting->name);
        for (char *at = flag; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        if (setting->words[0] != NULL) {
            size_t count = 0;

            while (setting->words[count] != NULL)
                count++;
            (void)words_list(setting->words, count, list, sizeof list);
        } else if (!setting->is_text) {
            (void)range_of(setting, list, sizeof list);
        }
        (void)fprintf(file, "  --%-27s %s\n  %-29s default %s%s%s\n", flag, setting->help, "",
                      setting->initial, list[0] != '\0' ? "; " : "", list);
    }
}
