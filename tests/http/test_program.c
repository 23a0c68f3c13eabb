/* test_program.c - the command line: help, settings from all their sources, and the small
 * commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/client.h"
#include "support/daemon.h"

enum { SETTINGS_MAX = 64, NAME_BYTES = 64 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A setting as --help tells of it. */
struct setting {
    char flag[NAME_BYTES]; /* with its dashes */
    char name[NAME_BYTES]; /* with underscores */
    char initial[64];
    bool is_number;
    uint64_t minimum, maximum;
};

static struct setting settings[SETTINGS_MAX];
static size_t setting_count;

/* "  --flag   help", and below it "default VALUE; MINIMUM to MAXIMUM". */
static int read_help(void **state)
{
    struct daemon_run run;

    (void)state;
    daemon_run(&run, ARGUMENTS("--help"), NULL, NULL);
    assert_int_equal(run.status, 0);
    for (const char *at = strstr(run.out, "\n  --"); at != NULL; at = strstr(at + 1, "\n  --")) {
        struct setting *setting = &settings[setting_count];
        const char *line = strchr(at + 1, '\n');
        int used = 0;

        if (sscanf(at, " %63s", setting->flag) != 1 || line == NULL ||
            sscanf(line, " default %63[^;\n]%n", setting->initial, &used) != 1)
            continue; /* the usage */
        setting->is_number = sscanf(line + used, "; %" SCNu64 " to %" SCNu64, &setting->minimum,
                                    &setting->maximum) == 2;
        for (size_t i = 2; i < strlen(setting->flag); i++)
            setting->name[i - 2] = setting->flag[i] == '-' ? '_' : setting->flag[i];
        assert_true(++setting_count < SETTINGS_MAX);
    }
    assert_int_equal(strlen(run.err), 0);
    daemon_run_free(&run);
    return 0;
}

/* The settings that `lossd config` prints under these circumstances. */
static json_t *effective(const char *const *arguments, const char *const *environment)
{
    struct daemon_run run;
    json_t *json;

    daemon_run(&run, arguments, environment, NULL);
    json = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    if (run.status != 0 || !json_is_object(json) || run.err[0] != '\0')
        fail_msg("%s: %d, %s", arguments[1] != NULL ? arguments[1] : "", run.status, run.err);
    daemon_run_free(&run);
    return json;
}

static double number_in(const char *const *arguments, const char *const *environment,
                        const char *name)
{
    json_t *json = effective(arguments, environment);
    double number = json_number(json_object_get(json, name));

    json_decref(json);
    return number;
}

/* Exit status 2, and one line on standard error that names what is wrong. */
static void check_refused(const char *const *arguments, const char *const *environment, int status,
                          const char *says, const char *and_says)
{
    struct daemon_run run;

    daemon_run(&run, arguments, environment, NULL);
    if (run.status != status || run.out[0] != '\0' || strncmp(run.err, "lossd: ", 7) != 0 ||
        strchr(run.err, '\n') != run.err + strlen(run.err) - 1 || strstr(run.err, says) == NULL ||
        strstr(run.err, and_says) == NULL)
        fail_msg("want %d and %s, %s; got %d, %s%s", status, says, and_says, run.status, run.out,
                 run.err);
    daemon_run_free(&run);
}

/* A file in memory, by a name that another program can open. */
static int make_file(const char *text, char *path, size_t size)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fflush(file) == 0);
    (void)snprintf(path, size, "/proc/%d/fd/%d", (int)getpid(), fileno(file));
    return fileno(file); /* closed at the end of the program */
}

static void help_lists_every_setting(void **state)
{
    json_t *json = effective(ARGUMENTS("config"), NULL);

    (void)state;
    assert_int_equal(json_object_size(json), setting_count);
    assert_in_range(setting_count, 20, SETTINGS_MAX);
    for (size_t i = 0; i < setting_count; i++) {
        if (json_object_get(json, settings[i].name) == NULL)
            fail_msg("%s is not a setting", settings[i].name);
    }
    json_decref(json);
}

static void version_is_one_line(void **state)
{
    struct daemon_run run;

    (void)state;
    daemon_run(&run, ARGUMENTS("--version"), NULL, NULL);
    assert_int_equal(run.status, 0);
    assert_int_equal(strncmp(run.out, "lossd 0.1.0 (", 13), 0);
    assert_ptr_equal(strchr(run.out, '\n'), run.out + strlen(run.out) - 1);
    daemon_run_free(&run);
}

/* A setting's flag with a value: whether it is taken. */
static void check_value(const struct setting *setting, const char *value, bool is_taken)
{
    if (!is_taken)
        check_refused(ARGUMENTS("config", setting->flag, value), NULL, 2, setting->flag, value);
    else if (number_in(ARGUMENTS("config", setting->flag, value), NULL, setting->name) !=
             strtod(value, NULL))
        fail_msg("%s %s: not taken over", setting->flag, value);
}

static void numbers_have_their_ranges(void **state)
{
    char value[32];

    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &settings[i];
        bool by_machine =
            strcmp(setting->initial, "0") == 0 &&
            (setting->minimum > 0 || strcmp(setting->name, "loops") == 0 ||
             strcmp(setting->name, "workers") == 0 || strcmp(setting->name, "queue_jobs_max") == 0);

        if (!setting->is_number)
            continue;
        (void)snprintf(value, sizeof value, "%" PRId64, (int64_t)setting->minimum - 1);
        if (!by_machine || setting->minimum > 1)
            check_value(setting, value, false);
        (void)snprintf(value, sizeof value, "%" PRIu64, setting->minimum);
        if (!by_machine || setting->minimum > 0)
            check_value(setting, value, true);
        (void)snprintf(value, sizeof value, "%" PRIu64, setting->maximum);
        check_value(setting, value, true);
        (void)snprintf(value, sizeof value, "%" PRIu64, setting->maximum + 1);
        check_value(setting, value, false);
        if (by_machine) /* 0 stands for a number that is taken from the machine */
            assert_true(number_in(ARGUMENTS("config", setting->flag, "0"), NULL, setting->name) >=
                        1.0);
    }
}

static void a_flag_wins_over_environment_file_and_default(void **state)
{
    char path[64];
    const char *const file[] = {"LOSSD_CONFIG=/nowhere", NULL};
    const char *const variable[] = {"LOSSD_WORKERS=4", "LOSSD_LOG_LEVEL=error", NULL};

    (void)state;
    (void)make_file("{\"workers\": 5, \"queue_jobs_max\": 9, \"listen_address\": \"::1\"}", path,
                    sizeof path);
    const char *const from_file[] = {"config", "--config", path, NULL};
    const char *const from_flag[] = {"config", "--config", path, "--workers=3", NULL};

    assert_true(number_in(ARGUMENTS("config"), NULL, "connections_max") == 1024.0);
    assert_true(number_in(from_file, NULL, "workers") == 5.0);
    assert_true(number_in(from_file, NULL, "queue_jobs_max") == 9.0);
    assert_true(number_in(from_file, variable, "workers") == 4.0);
    assert_true(number_in(from_flag, variable, "workers") == 3.0);
    assert_true(
        number_in(ARGUMENTS("config", "--workers", "3", "--workers", "7"), NULL, "workers") == 7.0);
    assert_true(number_in(ARGUMENTS("config", "--drain_delay_ms", "7"), NULL, "drain_delay_ms") ==
                7.0);
    assert_true(number_in(from_file, file, "workers") == 5.0); /* --config wins, too */
    json_t *json = effective(from_file, variable);

    assert_string_equal(json_text(json, "listen_address"), "::1");
    assert_string_equal(json_text(json, "log_level"), "error");
    json_decref(json);
}

/* What is printed can be read again; and the reference file says nothing but the defaults. */
static void printed_settings_can_be_read(void **state)
{
    static const char reference[] = "config/lossd.json";
    struct daemon_run run;
    char path[64];
    json_t *want, *got;

    (void)state;
    daemon_run(&run, ARGUMENTS("config", "--drain-delay-ms", "77", "--log-format", "json"), NULL,
               NULL);
    (void)make_file(run.out, path, sizeof path);
    got = effective(ARGUMENTS("config", "--config", path), NULL);
    want = json_loads(run.out, 0, NULL);
    assert_true(json_equal(got, want));
    json_decref(got);
    json_decref(want);
    daemon_run_free(&run);
    if (access(reference, R_OK) != 0) {
        (void)printf("note: %s is not there\n", reference);
        return;
    }
    got = effective(ARGUMENTS("config", "--config", reference), NULL);
    want = effective(ARGUMENTS("config"), NULL);
    assert_true(json_equal(got, want));
    json_decref(got);
    got = json_load_file(reference, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(got), json_object_size(want));
    json_decref(got);
    json_decref(want);
}

static void what_kubernetes_sets_is_no_setting(void **state)
{
    const char *const links[] = {
        "LOSSD_SERVICE_HOST=10.0.0.1",       "LOSSD_SERVICE_PORT=8080",
        "LOSSD_SERVICE_PORT_HTTP=8080",      "LOSSD_PORT=tcp://10.0.0.1:8080",
        "LOSSD_PORT_8080_TCP_ADDR=10.0.0.1", NULL};

    (void)state;
    assert_true(number_in(ARGUMENTS("config"), links, "listen_port") == 8080.0);
    check_refused(ARGUMENTS("config"), ARGUMENTS("LOSSD_PORT=9090"), 2, "LOSSD_PORT", "no such");
}

/* What could never be listened on, or equal what a browser says, is told before it is used. */
static void texts_have_their_forms(void **state)
{
    static const struct {
        const char *flag, *value, *says; /* NULL: it is taken */
    } rows[] = {
        {"--listen-address", "localhost", "not a numeric"},
        {"--listen-address", "", "not a numeric"},
        {"--listen-address", "127.0.0.1:80", "not a numeric"},
        {"--listen-address", "::", NULL},
        {"--metrics-address", "", NULL},
        {"--metrics-address", "[::1]", "not a numeric"},
        {"--cors-origin", "*", NULL},
        {"--cors-origin", "null", NULL},
        {"--cors-origin", "https://a.example:8443", NULL},
        {"--cors-origin", "http://[::1]:3000", NULL},
        {"--cors-origin", "http://localhost:3000/", "not an origin"},
        {"--cors-origin", "localhost:3000", "not an origin"},
        {"--cors-origin", "http://LOCALHOST", "not an origin"},
        {"--cors-origin", "http://a,http://b", "not an origin"},
        {"--cors-origin", "http://", "not an origin"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const arguments[] = {"config", rows[i].flag, rows[i].value, NULL};

        if (rows[i].says != NULL)
            check_refused(arguments, NULL, 2, rows[i].flag, rows[i].says);
        else
            json_decref(effective(arguments, NULL));
    }
}

/* Row 92 of tests/faults/rows.txt. */
static void wrong_settings_are_named(void **state)
{
    static const struct {
        const char *file, *says, *and_says;
    } files[] = {
        {"{\"workers\": 1,\n \"wokers\": 2}", ":2: wokers", "did you mean workers?"},
        {"{\"workers\":\n-1}", "workers", "0 to 1024"},
        {"{\"workers\": \"2\"}", ":1: workers", "a whole number"},
        {"{\"workers\": 2.5}", ":1: workers", "a whole number"},
        {"{\"log_level\": 2}", ":1: log_level", "a string"},
        {"{\"log_level\": \"Info\"}", ":1: log_level", "\"info\""},
        {"{\"workers\": 1,\n\n \"workers\": 2}", ":3:", "duplicate"},
        {"{\"workers\": 1,}", ":1:", ""},
        {"[]", ":1:", "a JSON object"},
        {"", ":1:", ""},
    };
    char path[64];

    (void)state;
    check_refused(ARGUMENTS("--wokers", "3"), NULL, 2, "--wokers", "did you mean workers?");
    check_refused(ARGUMENTS("config", "--qqqqqqqqqqqqqqqq", "3"), NULL, 2, "--qqqqqqqqqqqqqqqq",
                  "no such");
    check_refused(ARGUMENTS("config", "--workers", "3x"), NULL, 2, "--workers", "\"3x\"");
    check_refused(ARGUMENTS("config", "--workers", " 3"), NULL, 2, "--workers", "0 to 1024");
    check_refused(ARGUMENTS("config", "--workers", "+3"), NULL, 2, "--workers", "0 to 1024");
    check_refused(ARGUMENTS("config", "--workers", "99999999999999999999999"), NULL, 2, "--workers",
                  "range");
    check_refused(ARGUMENTS("config", "--workers", "3\n4"), NULL, 2, "--workers", "0 to 1024");
    check_refused(ARGUMENTS("config", "--workers"), NULL, 2, "--workers", "value");
    check_refused(ARGUMENTS("config", "--log-format", "xml"), NULL, 2, "--log-format",
                  "\"text\" or \"json\"");
    check_refused(ARGUMENTS("serve"), NULL, 2, "serve", "--help");
    check_refused(ARGUMENTS("config", "x"), NULL, 2, "x", "--help");
    check_refused(ARGUMENTS("config", "--config", "/nowhere"), NULL, 2, "/nowhere", "No such file");
    check_refused(ARGUMENTS("config"), ARGUMENTS("LOSSD_CONFIG=/nowhere"), 2, "/nowhere",
                  "No such file");
    check_refused(ARGUMENTS("config"), ARGUMENTS("LOSSD_WOKERS=3"), 2, "LOSSD_WOKERS",
                  "did you mean workers?");
    check_refused(ARGUMENTS("config"), ARGUMENTS("LOSSD_WORKERS=-1"), 2, "LOSSD_WORKERS",
                  "0 to 1024");
    check_refused(ARGUMENTS("config"), ARGUMENTS("LOSSD_CORS_ORIGIN=\xff"), 2, "LOSSD_CORS_ORIGIN",
                  "UTF-8");
    check_refused(ARGUMENTS("config", "--memory-budget-bytes", "1"), NULL, 2, "memory-budget",
                  "(0, or 1048576 to 1099511627776)");
    assert_int_equal(pwrite(make_file("{}", path, sizeof path), "\0x", 2, 2), 2);
    check_refused(ARGUMENTS("config", "--config", path), NULL, 2, ":1:", "end of file");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)make_file(files[i].file, path, sizeof path);
        check_refused(ARGUMENTS("config", "--config", path), NULL, 2, files[i].says,
                      files[i].and_says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_every_setting),
        cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(numbers_have_their_ranges),
        cmocka_unit_test(a_flag_wins_over_environment_file_and_default),
        cmocka_unit_test(printed_settings_can_be_read),
        cmocka_unit_test(what_kubernetes_sets_is_no_setting),
        cmocka_unit_test(texts_have_their_forms),
        cmocka_unit_test(wrong_settings_are_named),
    };

    return cmocka_run_group_tests(tests, read_help, NULL);
}
