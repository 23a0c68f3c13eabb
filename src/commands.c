/* commands.c - what lossd does when it is not the daemon. */
#include "commands.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "codec/answer.h"
#include "codec/request_json.h"
#include "server/confine.h"
#include "server/tls.h"

enum { FIRST_BYTES = 64 * 1024, HEALTH_TIMEOUT_S = 3 };

/* Read all of a file, padded as the decoder wants it; NULL with a line about it.  At most limit + 1
 * bytes: enough to tell that there are too many. */
static char *read_all(FILE *file, const char *name, uint64_t limit, size_t *length)
{
    size_t capacity = FIRST_BYTES;
    char *text = malloc(capacity);

    *length = 0;
    while (text != NULL) {
        size_t room = capacity - CODEC_PADDING - *length;

        *length += fread(text + *length, 1, room, file);
        if (feof(file) != 0 || ferror(file) != 0 || *length > limit)
            break;
        char *larger = realloc(text, capacity *= 2);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    if (text == NULL) {
        (void)fprintf(stderr, "lossd: %s: there is not enough memory\n", name);
    } else if (ferror(file) != 0) {
        (void)fprintf(stderr, "lossd: %s: cannot be read: %s\n", name, strerror(errno));
        free(text);
        text = NULL;
    } else {
        memset(text + *length, 0, CODEC_PADDING);
    }
    return text;
}

int command_finish_output(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return 0;
    (void)fprintf(stderr, "lossd: the output cannot be written: %s\n", strerror(errno));
    return 1;
}

static int answer(const struct config *config, const char *text, size_t length)
{
    const struct codec_limits limits = options_codec_limits(&config->server);
    const struct answer_host alone = {.context = NULL};
    struct loss_arena arena;
    struct loss_error error;
    struct answer reply;
    enum loss_status status;

    loss_arena_init(&arena, NULL);
    status = answer_request(&(struct codec_body){.bytes = text, .length = length}, ANSWER_JSON,
                            ANSWER_JSON, &limits, &alone, &arena, &reply, &error);
    if (status != LOSS_OK)
        (void)fprintf(stderr, "lossd: %s: %s\n", loss_status_code(status), error.sentence);
    else
        (void)fwrite(reply.body, 1, reply.length, stdout);
    loss_arena_reset(&arena);
    return command_finish_output() == 0 && status == LOSS_OK ? 0 : 1;
}

/* What is evaluated comes from anybody.  False, with a line about it, if that is required and
 * fails; else whoever waits for a result at a terminal is not told. */
static bool confine(const struct config *config)
{
    struct loss_error error;

    if (config->confine == CONFINE_OFF || (confine_begin(&error) && confine_complete(&error)) ||
        config->confine != CONFINE_REQUIRED)
        return true;
    (void)fprintf(stderr, "lossd: confine is required, but refused: %s\n", error.sentence);
    return false;
}

int command_evaluate(const struct config *config, const char *path)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    size_t length;
    char *text;
    int status = 1;

    if (file == NULL) {
        (void)fprintf(stderr, "lossd: %s: %s\n", name, strerror(errno));
        return 1;
    }
    text = confine(config) ? read_all(file, name, config->server.json_bytes_max, &length) : NULL;
    if (!standard)
        (void)fclose(file);
    if (text != NULL && length > config->server.json_bytes_max)
        (void)fprintf(
            stderr, "lossd: body_too_large: %s has more than %" PRIu64 " bytes (json_bytes_max)\n",
            name, config->server.json_bytes_max);
    else if (text != NULL)
        status = answer(config, text, length);
    free(text);
    return status;
}

/* Where this machine reaches the daemon: an address that means all is reached by loopback. */
static int connect_to(const struct server_options *options)
{
    const struct timeval patience = {.tv_sec = HEALTH_TIMEOUT_S};
    const char *host = options->listen_address;
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options->listen_port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)options->listen_port)};
    bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
    int connection;

    if (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
        v6.sin6_addr = in6addr_loopback;
    connection = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return -1;
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(connection, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                is_v4 ? sizeof v4 : sizeof v6) == 0)
        return connection;
    (void)close(connection);
    return -1;
}

/* Send a request, and read the beginning of the reply as tls_ask does. */
static void ask(int connection, const char *request, char *reply, size_t size)
{
    size_t length = 0;
    ssize_t count = send(connection, request, strlen(request), MSG_NOSIGNAL);

    while (length < size - 1 && count > 0) {
        count = recv(connection, reply + length, size - 1 - length, 0);
        length += count > 0 ? (size_t)count : 0;
    }
    reply[length] = '\0';
}

int command_healthcheck(const struct config *config)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char good[] = "HTTP/1.1 200 ";
    int connection = connect_to(&config->server);
    char reply[sizeof good] = "";

    if (connection < 0) {
        (void)fprintf(stderr, "lossd: nothing answers on %s port %" PRIu64 ": %s\n",
                      config->server.listen_address, config->server.listen_port, strerror(errno));
        return 1;
    }
    if (config->server.tls_certificate_file[0] != '\0')
        tls_ask(connection, request, reply, sizeof reply);
    else
        ask(connection, request, reply, sizeof reply);
    (void)close(connection);
    if (strcmp(reply, good) == 0)
        return 0;
    (void)fprintf(stderr, "lossd: not ready: %s\n", reply[0] != '\0' ? reply : "no answer");
    return 1;
}
