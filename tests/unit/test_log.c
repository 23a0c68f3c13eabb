/* test_log.c - log lines, read back from a pipe that stands in for standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/log.h"

/* Standard error is the writing end between these two. */
struct capture {
    int saved, reading;
};

static struct capture capture_begin(void)
{
    struct capture capture;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    capture.saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    capture.reading = ends[0];
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    return capture;
}

/* What was written so far, up to `size` - 1 bytes. */
static size_t captured(const struct capture *capture, char *text, size_t size)
{
    ssize_t got = read(capture->reading, text, size - 1);
    size_t length = got > 0 ? (size_t)got : 0;

    text[length] = '\0';
    return length;
}

static void capture_end(const struct capture *capture)
{
    (void)dup2(capture->saved, STDERR_FILENO);
    (void)close(capture->saved);
    (void)close(capture->reading);
}

/* One event on its own, as text; returns its length. */
static size_t written(struct log *log, enum log_level level, const char *event,
                      const struct log_field *fields, size_t count, char *text, size_t size)
{
    struct capture capture = capture_begin();
    size_t length;

    log_write(log, level, event, fields, count);
    length = captured(&capture, text, size);
    capture_end(&capture);
    return length;
}

/* "2026-11-24T06:03:05.123Z", about now. */
static void check_time(const char *text)
{
    struct tm utc = {.tm_isdst = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    long long apart;

    assert_non_null(rest);
    assert_int_equal(rest - text, 19);
    assert_int_equal(strspn(rest, ".0123456789"), 4);
    assert_int_equal(rest[4], 'Z');
    apart = (long long)(time(NULL) - timegm(&utc));
    assert_in_range(apart + 1, 0, 10);
}

static const struct log_field facts[] = {
    {"route", "/v1/evaluate", 0}, {"status", NULL, 200}, {"duration_ms", NULL, 0.25},
    {"bytes", NULL, 12345678901}, {"below", NULL, -1.5}, {"text", "a \"b\"\\\n\x7f\xc3\xa9", 0},
};

static void a_text_line_has_its_facts(void **state)
{
    struct log log = {.level = LOG_INFO, .format = LOG_TEXT};
    char text[4096];

    (void)state;
    (void)written(&log, LOG_WARNING, "request", facts, 6, text, sizeof text);
    check_time(text);
    assert_string_equal(text + 24,
                        " warning request route=\"/v1/evaluate\" status=200 duration_ms=0.250000 "
                        "bytes=12345678901 below=-1.500000 "
                        "text=\"a \\\"b\\\"\\\\\\u000a\\u007f\\u00c3\\u00a9\"\n");
    (void)written(&log, LOG_INFO, "bare", NULL, 0, text, sizeof text);
    assert_string_equal(text + 24, " info bare\n");
    assert_int_equal(log.dropped, 0);
}

static void a_json_line_is_json(void **state)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    struct log log = {.level = LOG_DEBUG, .format = LOG_JSON};
    char text[4096];

    (void)state;
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        size_t length =
            written(&log, (enum log_level)level, "it \"broke\"\n", facts, 6, text, sizeof text);
        json_t *line;

        assert_int_equal(text[length - 1], '\n');
        assert_ptr_equal(strchr(text, '\n'), text + length - 1); /* one line */
        line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_object_size(line), 3 + 6);
        check_time(json_string_value(json_object_get(line, "time")));
        assert_string_equal(json_string_value(json_object_get(line, "level")), levels[level]);
        assert_string_equal(json_string_value(json_object_get(line, "event")), "it \"broke\"\n");
        assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
        assert_int_equal(json_integer_value(json_object_get(line, "bytes")), 12345678901);
        assert_true(json_real_value(json_object_get(line, "duration_ms")) == 0.25);
        assert_string_equal(json_string_value(json_object_get(line, "text")),
                            "a \"b\"\\\n\x7f\xc3\x83\xc2\xa9");
        json_decref(line);
    }
}

static void levels_are_a_threshold(void **state)
{
    char text[256];

    (void)state;
    for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
        struct log log = {.level = (enum log_level)least, .format = LOG_TEXT};

        for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
            size_t length = written(&log, (enum log_level)level, "x", NULL, 0, text, sizeof text);

            assert_true(log_takes(&log, (enum log_level)level) == (level >= least));
            assert_true((length > 0) == (level >= least));
        }
        assert_int_equal(log.dropped, 0); /* what nobody wants is not lost */
    }
}

/* A text of any length: one line that ends in a newline, no longer than a pipe takes whole. */
static void long_lines_are_cut(void **state)
{
    struct log log = {.level = LOG_DEBUG, .format = LOG_TEXT};
    char *value = malloc(5000), text[8192];

    (void)state;
    assert_non_null(value);
    for (size_t length = 1900; length <= 4900; length += length < 2100 ? 1 : 700) {
        struct log_field field = {"value", value, 0};
        size_t wrote;

        memset(value, 'v', length);
        value[length - 1] = '\n'; /* an escape at the edge */
        value[length] = '\0';
        wrote = written(&log, LOG_INFO, "long", &field, 1, text, sizeof text);
        assert_in_range(wrote, 1900, 4096);
        assert_ptr_equal(strchr(text, '\n'), text + wrote - 1);
    }
    free(value);
}

/* Far more than a pipe holds: what does not fit is counted, and nobody waits. */
static void a_full_pipe_drops_whole_lines(void **state)
{
    enum { LINES = 5000 };
    struct log log = {.level = LOG_INFO, .format = LOG_TEXT};
    struct log_field field = {"n", NULL, 0};
    struct capture capture = capture_begin();
    size_t lines = 0, length;
    static char text[4097];

    (void)state;
    for (int i = 0; i < LINES; i++) {
        field.number = i;
        log_write(&log, LOG_INFO, "event_of_a_usual_length", &field, 1);
    }
    while ((length = captured(&capture, text, sizeof text)) > 0) {
        for (size_t i = 0; i < length; i++)
            lines += text[i] == '\n';
    }
    assert_in_range(lines, 100, LINES - 1);
    assert_int_equal(lines + log.dropped, LINES);
    log_write(&log, LOG_INFO, "after", NULL, 0); /* there is room again */
    assert_int_equal(lines + log.dropped, LINES);
    assert_in_range(captured(&capture, text, sizeof text), 30, 40);
    capture_end(&capture);
}

enum { THREADS = 4, LINES_EACH = 150 };

static void *log_lines(void *argument)
{
    static const struct log_field field = {"text", "0123456789", 0};

    for (int i = 0; i < LINES_EACH; i++)
        log_write(argument, LOG_INFO, "threads", &field, 1);
    return NULL;
}

/* Fewer bytes than a pipe holds, so none is lost; and no line is in the middle of another. */
static void threads_write_whole_lines(void **state)
{
    struct log log = {.level = LOG_INFO, .format = LOG_TEXT};
    struct capture capture = capture_begin();
    static char text[65536];
    pthread_t threads[THREADS];
    size_t length, lines = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, &log), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    length = captured(&capture, text, sizeof text);
    capture_end(&capture);
    for (const char *line = text; line < text + length; line = strchr(line, '\n') + 1, lines++)
        assert_memory_equal(line + 24, " info threads text=\"0123456789\"\n", 32);
    assert_int_equal(lines, THREADS * LINES_EACH);
    assert_int_equal(log.dropped, 0);
}

static void a_closed_standard_error_is_no_trouble(void **state)
{
    struct log log = {.level = LOG_INFO, .format = LOG_JSON};
    struct capture capture = capture_begin();

    (void)state;
    (void)close(STDERR_FILENO);
    log_write(&log, LOG_ERROR, "gone", NULL, 0);
    capture_end(&capture);
    assert_int_equal(log.dropped, 1);
    capture = capture_begin();
    (void)close(capture.reading); /* nobody reads it; the program ignores SIGPIPE */
    (void)signal(SIGPIPE, SIG_IGN);
    log_write(&log, LOG_ERROR, "gone", NULL, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)dup2(capture.saved, STDERR_FILENO);
    (void)close(capture.saved);
    assert_int_equal(log.dropped, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_its_facts),
        cmocka_unit_test(a_json_line_is_json),
        cmocka_unit_test(levels_are_a_threshold),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(a_full_pipe_drops_whole_lines),
        cmocka_unit_test(threads_write_whole_lines),
        cmocka_unit_test(a_closed_standard_error_is_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
