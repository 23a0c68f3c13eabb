/* fuzz_request.c - any text as a whole request: opened, received in pieces, worked on, answered,
 * closed, as http_request.c does it, but without a socket.
 *
 * The first byte tells in which circumstances; then come the head, as heads.h reads it, an empty
 * line and the body.  "Content-Length: =" stands for the length that the body has. */
#include <semaphore.h>
#include <string.h>

#include "codec/coding.h"
#include "codec/envelope.h"
#include "fuzz/answers.h"
#include "fuzz/fuzz.h"
#include "fuzz/heads.h"
#include "server/exchange.h"
#include "server/statistics.h"

/* Bits of the first byte. */
enum {
    PIECE_BITS = 0x7,      /* how long the pieces of the body are */
    IS_SHORT = 0x8,        /* of memory */
    IS_FULL = 0x10,        /* the queue is */
    IS_DRAINING = 0x20,    /* the server is told to stop */
    DECODED_BYTES = 65536, /* of a reply, at most: requests are short */
};

static struct server_options options = {.inline_bytes_max = 100,
                                        .json_bytes_max = 2000,
                                        .binary_bytes_max = 3000,
                                        .elements_max = 256,
                                        .envelope_bytes_max = 1024,
                                        .json_depth_max = 16,
                                        .confusion_classes_max = 8,
                                        .request_timeout_ms = 60000,
                                        .cors_origin = "http://a",
                                        .version = "1.2.3",
                                        .revision = "abc"};
static struct log logger = {.level = LOG_ERROR};
static struct service_state state = {.clients.max = 10};
static struct service service = {
    .options = &options, .log = &logger, .state = &state, .crowd = &state.clients};
static struct job filler; /* of the queue */
static sem_t done;

static void run(struct job *job)
{
    if (job != &filler)
        exchange_run(job);
}

static void wake(void *context)
{
    (void)context;
    (void)sem_post(&done);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    static const struct workers_options one = {1, 1, run};

    (void)count;
    (void)arguments;
    envelope_start();
    service.limits = options_codec_limits(&options);
    service.workers = workers_start(&one);
    service.telemetry = telemetry_new(&service);
    service.statistics = statistics_new();
    service.done.wake = wake;
    FUZZ_CHECK(sem_init(&done, 0, 0) == 0 && service.workers != NULL && service.telemetry != NULL &&
               service.statistics != NULL);
    return 0;
}

/* ---- the reply ------------------------------------------------------------------------------- */

static void check_lines(const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);

        FUZZ_CHECK(end != NULL);
        answers_check_json(text, (size_t)(end - text));
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
}

static void check_body(const struct reply *reply, const char *body, size_t length)
{
    uint64_t header = 0;

    if (strcmp(reply->content_type, "application/json") == 0) {
        answers_check_json(body, length);
    } else if (strcmp(reply->content_type, "application/x-ndjson") == 0 ||
               strcmp(reply->content_type, "application/jsonl") == 0) {
        check_lines(body, length);
    } else if (reply->head_length != NULL) {
        header = strtoull(reply->head_length, NULL, 10);
        FUZZ_CHECK(header <= length);
        answers_check_json(body, (size_t)header);
    } else if (strcmp(reply->content_type, "application/x-safetensors") == 0 ||
               strcmp(reply->content_type, "application/octet-stream") == 0) {
        FUZZ_CHECK(length > sizeof header);
        memcpy(&header, body, sizeof header);
        FUZZ_CHECK(header <= length - sizeof header);
        answers_check_json(body + sizeof header, (size_t)header);
    }
}

/* Headers that a client cannot split in two; a body of the type that they tell. */
static void check_reply(const struct exchange *exchange)
{
    const struct reply *reply = &exchange->reply;
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t count = exchange_reply_headers(exchange, headers), length = reply->length;
    struct loss_arena arena;
    struct loss_error error;
    enum coding coding;
    char *body = NULL;

    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(strpbrk(headers[i].value, "\r\n") == NULL);
    if (reply->is_preflight) {
        FUZZ_CHECK(reply->http_status == 204 && length == 0);
        return;
    }
    if (reply->http_status == 304) {
        FUZZ_CHECK(exchange->status == LOSS_OK); /* its body is not sent */
        return;
    }
    FUZZ_CHECK(reply->http_status == exchange_http_status(exchange->status));
    FUZZ_CHECK((exchange->status == LOSS_OK) == (reply->body != exchange->error_text));
    loss_arena_init(&arena, NULL);
    if (reply->content_encoding != NULL) {
        FUZZ_CHECK(coding_find(reply->content_encoding, &coding) && coding != CODING_IDENTITY &&
                   coding_inflate(reply->body, reply->length, coding, 1000000, NULL, &arena, &body,
                                  &length, &error) == LOSS_OK);
    }
    check_body(reply, body != NULL ? body : reply->body, length);
    loss_arena_reset(&arena);
}

/* ---- a request ------------------------------------------------------------------------------- */

/* A worker has it, and gives it back. */
static void work(struct job *job, bool has_place)
{
    (has_place ? workers_submit : workers_submit_later)(service.workers, job, &service.done);
    while (sem_wait(&done) != 0)
        continue; /* a signal */
    FUZZ_CHECK(done_jobs_take(&service.done) == job);
}

static void work_on(struct exchange *exchange)
{
    FUZZ_CHECK(exchange->state == EXCHANGE_WORKING);
    exchange->socket = -1;
    work(&exchange->job, exchange->has_place);
}

/* Receive a body; false if the connection is to be cut. */
static bool receive(struct exchange *exchange, const char *body, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece) {
        if (exchange_is_full(exchange))
            work_on(exchange);
        FUZZ_CHECK(exchange->state == EXCHANGE_RECEIVING);
        if (!exchange_receive(exchange, body + at, length - at < piece ? length - at : piece))
            return false;
    }
    return true;
}

/* The life of a request; the exchange is closed afterwards, with what is
 * left of its reply in *kept. */
struct kept {
    enum loss_status status;
    size_t length;
    char body[DECODED_BYTES];
};

static void serve(const struct head *head, const char *body, size_t length, size_t piece,
                  struct kept *kept)
{
    struct exchange *exchange;
    uint64_t announced = 0;
    enum head_body kind = head_body(head, &announced);
    bool is_whole = kind != HEAD_BODY_SIZED || announced <= length, is_compared;

    if (kind != HEAD_BODY_CHUNKED && announced < length)
        length = (size_t)announced; /* the rest would be the next request */
    service.request_seed = 1;
    exchange = exchange_open(&service, head);
    FUZZ_CHECK(exchange != NULL && service.in_flight == 1);
    if (!exchange_answers_now(exchange)) {
        is_whole = receive(exchange, body, length, piece) && is_whole;
        if (is_whole && exchange->state == EXCHANGE_RECEIVING)
            exchange_complete(exchange);
        if (is_whole && exchange->state == EXCHANGE_WORKING)
            work_on(exchange);
        FUZZ_CHECK(!is_whole || exchange->state == EXCHANGE_ANSWERED);
    }
    *kept = (struct kept){.status = exchange->status};
    is_compared = exchange->route == ROUTE_EVALUATE || exchange->route == ROUTE_V2_INFER;
    if (exchange->state == EXCHANGE_ANSWERED) {
        check_reply(exchange);
        if (is_compared && exchange->reply.length <= sizeof kept->body) {
            kept->length = exchange->reply.length;
            memcpy(kept->body, exchange->reply.body, kept->length);
        }
    }
    exchange_close(exchange, is_whole);
    exchange_free_spares(&service); /* so that nobody looks into it any more */
    FUZZ_CHECK(service.in_flight == 0 && state.in_flight == 0 &&
               memory_used_bytes(service.memory) == 0 && workers_waiting(service.workers) == 0);
}

/* Whether it depends on more than the request. */
static bool is_of_the_moment(enum loss_status status)
{
    return status == LOSS_MEMORY_BUDGET_FULL || status == LOSS_DEADLINE_EXCEEDED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kept kept[2];
    unsigned circumstances = size > 0 ? data[0] : 0;
    char *text = answers_pad(size > 0 ? data + 1 : data, size > 0 ? size - 1 : 0), *body,
         digits[24];
    struct head head;
    size_t length;
    bool is_full = (circumstances & IS_FULL) != 0;

    body = heads_read(&head, text);
    length = body != NULL ? size - 1 - (size_t)(body - text) : 0;
    if (head.content_length != NULL && strcmp(head.content_length, "=") == 0) {
        (void)snprintf(digits, sizeof digits, "%zu", length);
        head.content_length = digits;
    }
    options.memory_budget_bytes = (circumstances & IS_SHORT) != 0 ? 64 * 1024 : 4 * 1024 * 1024;
    service.memory = memory_new((size_t)options.memory_budget_bytes, 0);
    FUZZ_CHECK(service.memory != NULL);
    state.draining = (circumstances & IS_DRAINING) != 0;
    for (int i = 0; i < 2; i++) { /* however it is cut, the reply is the same */
        FUZZ_CHECK(!is_full || workers_reserve(service.workers));
        serve(&head, body, length, i == 0 ? (size_t)1 << (circumstances & PIECE_BITS) : size,
              &kept[i]);
        if (is_full)
            work(&filler, true);
    }
    if (!is_of_the_moment(kept[0].status) && !is_of_the_moment(kept[1].status))
        FUZZ_CHECK(kept[0].status == kept[1].status && kept[0].length == kept[1].length &&
                   memcmp(kept[0].body, kept[1].body, kept[0].length) == 0);
    memory_free(service.memory);
    free(text);
    return 0;
}
