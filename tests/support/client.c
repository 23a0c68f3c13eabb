/* client.c - HTTP from the other side, by libcurl. */
#include "support/client.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/daemon.h"
#include "support/texts.h"

enum { CURL_MS = 180000, URL_BYTES = 512 };

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
        text_append(&response->head, &response->head_length, &response->head_room, NULL, 0);
    }
    text_append(&response->head, &response->head_length, &response->head_room, bytes, size * count);
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;

    text_append(&response->body, &response->body_length, &response->body_room, bytes, size * count);
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

    response_clear(response);
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

double client_resting_bytes(struct client *client)
{
    if (!client_wait(client, "lossd_in_flight_requests", 1.0, 1.0))
        return (double)NAN;
    return client_metric(client, "lossd_in_flight_bytes");
}
