/* client.c - HTTP from the other side. */
#include "support/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/daemon.h"

enum { CURL_MS = 30000, URL_BYTES = 512 };

/* Append bytes to a text that ends in NUL; memory, or the end. */
static void append(char **text, size_t *length, size_t *room, const char *bytes, size_t count)
{
    if (*length + count + 1 > *room) {
        *room = 2 * (*length + count) + 256;
        *text = realloc(*text, *room);
        if (*text == NULL)
            abort();
    }
    if (count > 0)
        memcpy(*text + *length, bytes, count);
    *length += count;
    (*text)[*length] = '\0';
}

static void clear(struct response *response)
{
    response->head_length = response->body_length = 0;
    append(&response->head, &response->head_length, &response->head_room, NULL, 0);
    append(&response->body, &response->body_length, &response->body_room, NULL, 0);
    response->status = response->connects = 0;
    response->continues = 0;
    response->failure = NULL;
}

void response_free(struct response *response)
{
    free(response->head);
    free(response->body);
    *response = (struct response){0};
}

const char *response_header(const struct response *response, const char *name, char *text,
                            size_t size)
{
    size_t length = strlen(name);

    for (const char *line = response->head; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " \t");
        (void)snprintf(text, size, "%.*s", (int)strcspn(line, "\r\n"), line);
        return text;
    }
    return NULL;
}

json_t *response_json(const struct response *response)
{
    if (response->body == NULL)
        return NULL;
    return json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, NULL);
}

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

double json_number(const json_t *value)
{
    const char *word = json_string_value(value);

    if (json_is_number(value))
        return json_number_value(value);
    if (word != NULL && strcmp(word, "Infinity") == 0)
        return (double)INFINITY;
    return word != NULL && strcmp(word, "-Infinity") == 0 ? -(double)INFINITY : (double)NAN;
}

const char *response_fault(const struct response *response, long status, const char *code,
                           const char *where, char *text, size_t size)
{
    json_t *json = response_json(response);
    const json_t *place = json_object_get(json, "where");
    char type[64] = "", id[160] = "";
    const char *fault = NULL;

    (void)response_header(response, "Content-Type", type, sizeof type);
    (void)response_header(response, "X-Request-Id", id, sizeof id);
    if (response->status != status)
        fault = "the status";
    else if (strcmp(type, "application/json") != 0)
        fault = "the Content-Type";
    else if (json_text(json, "error")[0] == '\0')
        fault = "the sentence";
    else if (strcmp(json_text(json, "code"), code) != 0)
        fault = "the code";
    else if (where == NULL ? place != NULL : strcmp(json_text(json, "where"), where) != 0)
        fault = "the place";
    else if (id[0] == '\0' || strcmp(json_text(json, "request_id"), id) != 0)
        fault = "the request id";
    else if (json_object_size(json) != (where == NULL ? 3 : 4))
        fault = "the number of members";
    json_decref(json);
    if (fault == NULL)
        return NULL;
    (void)snprintf(text, size, "%s is wrong: want %ld %s at %s, got %ld %s%.300s", fault, status,
                   code, where != NULL ? where : "no place", response->status,
                   response->failure != NULL ? response->failure : "", response->body);
    return text;
}

/* ---- libcurl --------------------------------------------------------------------------------- */

struct client {
    CURL *curl;
    unsigned port;
    const char *header;                        /* of every request, or NULL */
    const char *authority, *certificate, *key; /* of TLS, or NULL */
    struct response response;
    char failure[CURL_ERROR_SIZE];
};

static size_t on_head(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;

    if (count >= 5 && strncmp(bytes, "HTTP/", 5) == 0) { /* a new one: what was before is a 1xx */
        response->head_length = 0;
        append(&response->head, &response->head_length, &response->head_room, NULL, 0);
    }
    append(&response->head, &response->head_length, &response->head_room, bytes, size * count);
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;

    append(&response->body, &response->body_length, &response->body_room, bytes, size * count);
    return size * count;
}

struct client *client_open(unsigned port)
{
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL)
        abort();
    client->port = port;
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        abort();
    return client;
}

void client_close(struct client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    response_free(&client->response);
    free(client);
}

void client_always_send(struct client *client, const char *header)
{
    client->header = header;
}

void client_secure(struct client *client, const char *authority, const char *certificate,
                   const char *key)
{
    client->authority = authority;
    client->certificate = certificate;
    client->key = key;
    curl_easy_cleanup(client->curl);
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        abort();
}

static void set_up_tls(const struct client *client)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_CAINFO, client->authority);
    (void)curl_easy_setopt(client->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (client->certificate == NULL)
        return;
    (void)curl_easy_setopt(client->curl, CURLOPT_SSLCERT, client->certificate);
    (void)curl_easy_setopt(client->curl, CURLOPT_SSLKEY, client->key);
}

static void set_up(struct client *client, const char *method, const char *url, const char *body,
                   size_t length)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl); /* keeps the connection */
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CURL_MS);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->failure);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &client->response);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &client->response);
    if (body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    }
    if (strcmp(method, "HEAD") == 0)
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

const struct response *client_send(struct client *client, const char *method, const char *path,
                                   const char *const *headers, const char *body, size_t length)
{
    struct response *response = &client->response;
    /* A header without a value is one that libcurl leaves out. */
    struct curl_slist *list =
        curl_slist_append(curl_slist_append(NULL, "Content-Type:"), "Expect:");
    char url[URL_BYTES];
    CURLcode result;

    clear(response);
    client->failure[0] = '\0';
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u%s",
                   client->authority != NULL ? "https" : "http", client->port, path);
    if (client->header != NULL)
        list = curl_slist_append(list, client->header);
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        list = curl_slist_append(list, headers[i]);
    set_up(client, method, url, body, length);
    if (client->authority != NULL)
        set_up_tls(client);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, list);
    result = curl_easy_perform(client->curl);
    (void)curl_easy_getinfo(client->curl, CURLINFO_NUM_CONNECTS, &response->connects);
    if (result == CURLE_OK)
        (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &response->status);
    else
        response->failure =
            client->failure[0] != '\0' ? client->failure : curl_easy_strerror(result);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    return response;
}

const struct response *client_evaluate(struct client *client, const char *body)
{
    return client_send(client, "POST", "/v1/evaluate", NULL, body, strlen(body));
}

double metric_value_in(const char *text, const char *series)
{
    size_t length = strlen(series);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, series, length) == 0 && line[length] == ' ')
            return strtod(line + length, NULL);
    }
    return (double)NAN;
}

double client_metric(struct client *client, const char *series)
{
    const struct response *response = client_send(client, "GET", "/metrics", NULL, NULL, 0);

    return response->status == 200 ? metric_value_in(response->body, series) : (double)NAN;
}

bool client_wait(struct client *client, const char *series, double low, double high)
{
    double deadline = clock_ms() + CLIENT_WAIT_MS, got;

    while (!((got = client_metric(client, series)) >= low && got <= high)) {
        if (clock_ms() > deadline) {
            (void)fprintf(stderr, "%s is %g, not from %g to %g\n", series, got, low, high);
            return false;
        }
        pause_a_ms();
    }
    return true;
}

/* ---- raw sockets ----------------------------------------------------------------------------- */

void raw_open_from(struct raw *raw, const char *address, unsigned port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((unsigned short)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in from = {.sin_family = AF_INET};

    *raw = (struct raw){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    append(&raw->bytes, &raw->length, &raw->room, NULL, 0);
    if (raw->fd >= 0 && inet_pton(AF_INET, address, &from.sin_addr) == 1 &&
        bind(raw->fd, (const struct sockaddr *)(const void *)&from, sizeof from) == 0 &&
        connect(raw->fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0)
        return;
    raw->error = errno;
    if (raw->fd >= 0)
        (void)close(raw->fd);
    raw->fd = -1;
}

void raw_open(struct raw *raw, unsigned port)
{
    raw_open_from(raw, "0.0.0.0", port);
}

void raw_close(struct raw *raw)
{
    if (raw->fd >= 0)
        (void)close(raw->fd);
    free(raw->bytes);
    *raw = (struct raw){.fd = -1};
}

bool raw_send(struct raw *raw, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(raw->fd, bytes, length, MSG_NOSIGNAL);

        if (count <= 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

bool raw_say(struct raw *raw, const char *text)
{
    return raw_send(raw, text, strlen(text));
}

/* More bytes, before the deadline: 1; 0 at the end of the connection; -1 if the time is over. */
static int receive(struct raw *raw, double deadline)
{
    struct pollfd readable = {.fd = raw->fd, .events = POLLIN};
    double left = deadline - clock_ms();
    char bytes[64 * 1024];
    ssize_t count;

    if (poll(&readable, 1, left > 0 ? (int)ceil(left) : 0) != 1)
        return -1;
    count = recv(raw->fd, bytes, sizeof bytes, 0);
    if (count <= 0)
        return 0; /* a reset is an end, too */
    append(&raw->bytes, &raw->length, &raw->room, bytes, (size_t)count);
    return 1;
}

static void drop(struct raw *raw, size_t count)
{
    raw->length -= count;
    memmove(raw->bytes, raw->bytes + count, raw->length + 1);
}

/* Have `count` bytes, or, for 0, a whole head; its length then, 0 and a failure if not. */
static size_t want(struct raw *raw, size_t count, double deadline, struct response *response)
{
    for (;;) {
        const char *end = count == 0 ? strstr(raw->bytes, "\r\n\r\n") : NULL;
        int more;

        if (end != NULL)
            return (size_t)(end + 4 - raw->bytes);
        if (count > 0 && raw->length >= count)
            return count;
        more = receive(raw, deadline);
        if (more == 1)
            continue;
        response->status = 0;
        response->failure = more < 0                                         ? "late"
                            : raw->length == 0 && response->head_length == 0 ? "closed"
                                                                             : "cut";
        return 0;
    }
}

void raw_read(struct raw *raw, bool bodiless, unsigned timeout_ms, struct response *response)
{
    double deadline = clock_ms() + timeout_ms;
    char digits[32];
    size_t length;

    clear(response);
    for (;;) {
        length = want(raw, 0, deadline, response);
        if (length == 0)
            return;
        response->status = length > 12 ? strtol(raw->bytes + 9, NULL, 10) : 0;
        if (response->status < 100 || response->status > 199)
            break;
        response->continues++;
        drop(raw, length);
    }
    append(&response->head, &response->head_length, &response->head_room, raw->bytes, length);
    drop(raw, length);
    if (bodiless || response_header(response, "Content-Length", digits, sizeof digits) == NULL)
        return;
    length = (size_t)strtoull(digits, NULL, 10);
    if (length == 0 || want(raw, length, deadline, response) == 0)
        return;
    append(&response->body, &response->body_length, &response->body_room, raw->bytes, length);
    drop(raw, length);
}

enum raw_next raw_next(struct raw *raw, unsigned timeout_ms)
{
    int more = raw->length > 0 ? 1 : receive(raw, clock_ms() + timeout_ms);

    return more > 0 ? RAW_BYTES : more == 0 ? RAW_CLOSED : RAW_SILENT;
}

const char *raw_read_all(struct raw *raw, unsigned timeout_ms, bool *closed)
{
    double deadline = clock_ms() + timeout_ms;
    int more = 1;

    while (more == 1)
        more = receive(raw, deadline);
    *closed = more == 0;
    return raw->bytes;
}
