/* test_notify.c - what a service manager is told, and when its watchdog is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/notify.h"
#include "support/folder.h"

static char path[FOLDER_PATH_BYTES], name[1 + FOLDER_PATH_BYTES], text[512];

/* The manager's socket: of a path, or of "@name" without one. */
static int listen_at(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", where);
    if (where[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(where))),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", where, 1), 0);
    return manager;
}

/* The next message; "" if there is none. */
static const char *heard(int manager)
{
    ssize_t length = recv(manager, text, sizeof text - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void forget(int manager)
{
    (void)close(manager);
    (void)unlink(path);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
}

static void check_events(const char *where)
{
    int manager = listen_at(where);
    struct notify *notify = notify_new(1);
    unsigned round = 0;

    assert_false(notify_is_lost(notify));
    notify_tell(notify, NOTIFY_READY);
    assert_int_equal(strncmp(heard(manager), "READY=1\n", 8), 0);
    assert_non_null(strstr(text, "\nSTATUS=serving"));
    notify_tell(notify, NOTIFY_RELOADING);
    assert_int_equal(strncmp(heard(manager), "RELOADING=1\n", 12), 0);
    assert_non_null(strstr(text, "\nMONOTONIC_USEC="));
    uint64_t at_us = strtoull(strstr(text, "MONOTONIC_USEC=") + 15, NULL, 10);
    assert_true(clock_now_ns() / 1000 - at_us < 60000000);
    notify_tell(notify, NOTIFY_STOPPING);
    assert_int_equal(strncmp(heard(manager), "STOPPING=1\n", 11), 0);
    notify_tick(notify, &round); /* nobody asked for a watchdog */
    assert_string_equal(heard(manager), "");
    notify_free(notify);
    forget(manager);
}

static void a_socket_with_a_path_is_told(void **state)
{
    (void)state;
    check_events(path);
}

static void a_socket_with_a_name_alone_is_told(void **state)
{
    (void)state;
    check_events(name);
}

static void without_a_manager_nothing_happens(void **state)
{
    struct notify *notify = notify_new(1);
    unsigned round = 0;

    (void)state;
    assert_false(notify_is_lost(notify));
    notify_tell(notify, NOTIFY_READY);
    notify_tick(notify, &round);
    notify_free(notify);
    notify_free(NULL);
}

static void a_manager_that_is_not_there_is_noticed(void **state)
{
    static char long_path[200];
    const char *const wrong[] = {path, name, "", "relative", "vsock:2:1234", "/", long_path};

    (void)state;
    memset(long_path, '/', sizeof long_path - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct notify *notify;

        assert_int_equal(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "1", 1), 0);
        notify = notify_new(1);
        assert_true(notify_is_lost(notify));
        notify_tell(notify, NOTIFY_READY);
        notify_tick(notify, &(unsigned){0});
        notify_free(notify);
    }
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
}

/* A watchdog of 2 us is due at every tick; one of an hour after its first word not again. */
static void every_loop_has_to_tick(void **state)
{
    int manager = listen_at(path);
    unsigned rounds[3] = {0};
    struct notify *notify;

    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "2", 1), 0);
    notify = notify_new(3);
    for (int turn = 0; turn < 3; turn++) {
        uint64_t now_ns = clock_now_ns();

        while (clock_now_ns() - now_ns < 10000) /* so that it is due */
            continue;
        notify_tick(notify, &rounds[0]);
        notify_tick(notify, &rounds[2]);
        notify_tick(notify, &rounds[0]);
        notify_tick(notify, &rounds[0]);
        notify_tick(notify, &rounds[2]);
        assert_string_equal(heard(manager), ""); /* the second one is stuck */
        notify_tick(notify, &rounds[1]);
        assert_string_equal(heard(manager), "WATCHDOG=1");
        assert_string_equal(heard(manager), "");
    }
    notify_tell(notify, NOTIFY_STOPPING);
    (void)heard(manager);
    notify_tick(notify, &rounds[2]); /* the others may have ended */
    assert_string_equal(heard(manager), "WATCHDOG=1");
    notify_free(notify);
    forget(manager);
}

static void the_watchdog_is_told_in_time_and_not_always(void **state)
{
    int manager = listen_at(path);
    struct notify *notify;
    unsigned round = 0;

    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "3600000000", 1), 0);
    (void)snprintf(text, sizeof text, "%d", (int)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", text, 1), 0);
    notify = notify_new(1);
    notify_tick(notify, &round);
    assert_string_equal(heard(manager), "WATCHDOG=1");
    notify_tick(notify, &round);
    assert_string_equal(heard(manager), "");
    notify_free(notify);
    forget(manager);
}

static void a_watchdog_for_another_process_is_not_ours(void **state)
{
    int manager = listen_at(path);
    struct notify *notify;

    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "2", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    notify = notify_new(1);
    notify_tick(notify, &(unsigned){0});
    assert_string_equal(heard(manager), "");
    notify_free(notify);
    forget(manager);
}

static int make_names(void **state)
{
    (void)state;
    folder_make();
    (void)snprintf(name, sizeof name, "@%s", folder_path("notify", path));
    return unsetenv("NOTIFY_SOCKET");
}

static int remove_names(void **state)
{
    (void)state;
    folder_remove_empty();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_with_a_path_is_told),
        cmocka_unit_test(a_socket_with_a_name_alone_is_told),
        cmocka_unit_test(without_a_manager_nothing_happens),
        cmocka_unit_test(a_manager_that_is_not_there_is_noticed),
        cmocka_unit_test(every_loop_has_to_tick),
        cmocka_unit_test(the_watchdog_is_told_in_time_and_not_always),
        cmocka_unit_test(a_watchdog_for_another_process_is_not_ours),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
