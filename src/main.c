/* main.c - the program: which command, and the daemon from start to stop. */
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "commands.h"
#include "config.h"
#include "loss/kernel.h"
#include "server/access.h"
#include "server/confine.h"
#include "server/server.h"
#include "version.h"

enum { EXIT_USAGE = 2 }; /* a setting or an argument is wrong, and nothing was started */

static void print_help(void)
{
    (void)printf(
        "lossd %s - computes the losses of model outputs, over HTTP\n"
        "\n"
        "usage: lossd [SETTINGS]                  serve until SIGTERM or SIGINT\n"
        "       lossd evaluate [FILE] [SETTINGS]  evaluate one JSON request from FILE, or from\n"
        "                                         standard input, and print the reply\n"
        "       lossd healthcheck [SETTINGS]      exit 0 if the daemon of these settings is ready\n"
        "       lossd config [SETTINGS]           print the settings in effect, as JSON\n"
        "       lossd --help | --version\n"
        "\n"
        "Each setting is a flag, --json-bytes-max 1000; a variable of the environment,\n"
        "LOSSD_JSON_BYTES_MAX=1000; and a member of the JSON file named by --config FILE or\n"
        "LOSSD_CONFIG: {\"json_bytes_max\": 1000}.  A flag wins over the environment, that over "
        "the\n"
        "file.  Exit status: 0 done, 1 it failed, 2 a setting or an argument is wrong.\n"
        "\n",
        version_number);
    config_print_help(stdout);
}

static void print_version(void)
{
    const char *of = " of";

    (void)printf("lossd %s (%s), kernel %s", version_number, version_revision,
                 loss_kernel_current());
    for (size_t i = 0; loss_kernel_name(i) != NULL; i++, of = "")
        (void)printf("%s %s", of, loss_kernel_name(i));
    (void)printf("\n");
}

/* For a person at a terminal; a log collector reads standard error. */
static void greet(const struct config *config, const struct listening *where)
{
    const struct server_options *options = &config->server;
    const char *host = where->address;
    bool v6 = strchr(host, ':') != NULL;
    char url[128];

    if (where->port == 0)
        (void)snprintf(url, sizeof url, "%.120s", host);
    else
        (void)snprintf(url, sizeof url, "%s://%s%.64s%s:%u",
                       access_uses_tls(options->access) ? "https" : "http", v6 ? "[" : "", host,
                       v6 ? "]" : "", where->port);
    (void)printf("lossd %s listens on %s\n", version_number, url);
    if (where->port != 0)
        (void)printf("try:  curl -s %s/v1/evaluate%s --json "
                     "'{\"logits\": [[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]], "
                     "\"targets\": [0,2,1]}'\n",
                     url,
                     options->tokens_file[0] != '\0' ? " -H 'Authorization: Bearer TOKEN'" : "");
    (void)fflush(stdout);
}

static struct log make_log(const struct config *config)
{
    return (struct log){.level = (enum log_level)config->log_level,
                        .format = (enum log_format)config->log_format};
}

/* The files of keys that settings name are as much a part of them.  NULL with a line about it. */
static struct access *read_keys(struct config *config, struct log *log)
{
    struct loss_error error;

    config->server.access = access_new(&config->server, log, &error);
    if (config->server.access == NULL)
        (void)fprintf(stderr, "lossd: %s\n", error.sentence);
    return config->server.access;
}

/* Take a step of confine.h, unless it is off or the one before failed.  False if it is required and
 * fails, with a line about it; else *reason has what is to be logged. */
static bool confine(const struct config *config, bool (*step)(struct loss_error *error),
                    bool *confined, struct loss_error *reason)
{
    if (!*confined || step(reason))
        return true;
    *confined = false;
    if (config->confine != CONFINE_REQUIRED)
        return true;
    (void)fprintf(stderr, "lossd: confine is required, but refused: %s\n", reason->sentence);
    return false;
}

static int run_server(struct config *config, struct log *log)
{
    bool confined = config->confine != CONFINE_OFF, all_answered;
    struct loss_error error, reason;
    const struct log_field why = {"reason", reason.sentence, 0};
    const struct listening *where;
    struct server *server;

    if (!confine(config, confine_begin, &confined, &reason))
        return EXIT_FAILURE;
    server = server_start(&config->server, log, &error);
    if (server == NULL) {
        (void)fprintf(stderr, "lossd: %s\n", error.sentence);
        return EXIT_FAILURE;
    }
    if (!confine(config, confine_complete, &confined, &reason)) {
        server_stop(server);
        return EXIT_FAILURE;
    }
    where = server_listening(server);
    const struct log_field fields[] = {
        {"version", version_number, 0},
        {"address", where->address, 0},
        {"port", NULL, where->port},
        {"socket", where->is_inherited ? "inherited" : "own", 0},
        {"loops", NULL, (double)config->server.loops},
        {"workers", NULL, (double)config->server.workers},
        {"kernel", loss_kernel_current(), 0},
        {"memory_budget_bytes", NULL, (double)config->server.memory_budget_bytes},
        {"confined", confined ? "yes" : "no", 0},
        {"metrics_port", NULL, server_metrics_port(server)}, /* last, as most have none */
    };
    log_write(log, LOG_INFO, "listening", fields,
              sizeof fields / sizeof fields[0] - (server_metrics_port(server) == 0));
    /* Not before: a daemon that does not start says why, and nothing else. */
    if (!confined && config->confine != CONFINE_OFF)
        log_write(log, LOG_WARNING, "not confined", &why, 1);
    access_warn(config->server.access, where->address);
    if (log->format == LOG_TEXT)
        greet(config, where);
    all_answered = server_run(server);
    server_stop(server);
    return all_answered ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve(struct config *config)
{
    struct log log = make_log(config);
    struct access *access = read_keys(config, &log);
    int status = access != NULL ? run_server(config, &log) : EXIT_USAGE;

    access_free(access);
    return status;
}

static int print_config(struct config *config)
{
    struct log log = make_log(config);
    struct access *access = read_keys(config, &log);

    if (access == NULL)
        return EXIT_USAGE;
    access_free(access);
    options_resolve(&config->server);
    config_print(config, stdout);
    return command_finish_output();
}

static int check_health(struct config *config)
{
    return command_healthcheck(config);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int (*run)(struct config *config);
    } commands[] = {{"config", print_config}, {"healthcheck", check_health}};
    const char *name = count > 1 ? arguments[1] : "";
    bool evaluates = strcmp(name, "evaluate") == 0;
    int (*run)(struct config * config) = serve, used = 1, status = EXIT_USAGE;
    char fault[CONFIG_FAULT_BYTES];
    struct config config;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help();
        return command_finish_output();
    }
    if (strcmp(name, "--version") == 0) {
        print_version();
        return command_finish_output();
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            run = commands[i].run;
            used = 2;
        }
    }
    const char *path =
        evaluates && count > 2 && strncmp(arguments[2], "--", 2) != 0 ? arguments[2] : NULL;
    if (evaluates)
        used = path != NULL ? 3 : 2;
    /* A library may have changed how numbers are rounded, and threads begin with what this one has;
     * or how they are written: what strtod and printf do here is for programs, not for people. */
    (void)fesetenv(FE_DFL_ENV);
    (void)setlocale(LC_ALL, "C");
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error of write(), no more */
    envelope_start();
    if (!config_load(&config, count - used, arguments + used, fault)) {
        (void)fprintf(stderr, "lossd: %s\n", fault);
    } else if (!loss_kernel_choose(config_kernel(&config))) {
        (void)fprintf(stderr, "lossd: kernel: this CPU cannot run %s\n", config_kernel(&config));
    } else {
        config.server.version = version_number;
        config.server.revision = version_revision;
        status = evaluates ? command_evaluate(&config, path) : run(&config);
    }
    config_free(&config);
    return status;
}
