/* answers.c - what must hold of the answer to any request. */
#include "fuzz/answers.h"

#include <limits.h>
#include <string.h>

#include "codec/reply_json.h"
#include "codec/scan.h"
#include "fuzz/fuzz.h"
#include "support/source.h"

enum { REPLY_DEPTH_MAX = 40, LENGTH_BYTES = 8 };

static const struct codec_limits limits = {.elements_max = 256,
                                           .envelope_bytes_max = 1024,
                                           .json_depth_max = 16,
                                           .confusion_classes_max = 8};

char *answers_pad(const void *bytes, size_t length)
{
    char *copy = calloc(length + CODEC_PADDING, 1);

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, bytes, length);
    return copy;
}

static enum loss_status skip_member(void *context)
{
    return scan_value(context);
}

void answers_check_json(const char *text, size_t length)
{
    char *copy = answers_pad(text, length);
    struct loss_error error;
    struct scanner scanner = {.text = copy,
                              .at = copy,
                              .end = copy + length,
                              .depth_max = REPLY_DEPTH_MAX,
                              .error = &error};

    if (length > 0 && text[0] == '[') {
        FUZZ_CHECK(scan_value(&scanner) == LOSS_OK);
        scan_space(&scanner);
        FUZZ_CHECK(scanner.at == scanner.end);
    } else {
        FUZZ_CHECK(scan_document(&scanner, skip_member, &scanner) == LOSS_OK);
    }
    free(copy);
}

/* Replies are lines of NDJSON too. */
static bool is_line(const char *text, size_t length)
{
    return length > 0 && memchr(text, '\n', length) == text + length - 1;
}

static void check_error(enum loss_status status, const struct loss_error *error)
{
    char text[REPLY_JSON_ERROR_BYTES];
    size_t length = reply_json_write_error(error, "fuzz", text);

    FUZZ_CHECK(status == error->status && status < LOSS_STATUS_COUNT && error->sentence[0] != '\0');
    FUZZ_CHECK(length < sizeof text && is_line(text, length));
    answers_check_json(text, length);
}

static void check_reply(enum answer_form form, const struct answer *answer)
{
    uint64_t header = 0;

    FUZZ_CHECK(form == ANSWER_INFER || answer->head_length == CODEC_NO_HEAD);
    switch (form) {
    case ANSWER_JSON:
        FUZZ_CHECK(is_line(answer->body, answer->length));
        answers_check_json(answer->body, answer->length);
        break;
    case ANSWER_SAFETENSORS:
        FUZZ_CHECK(answer->length > LENGTH_BYTES);
        memcpy(&header, answer->body, LENGTH_BYTES);
        FUZZ_CHECK(header <= answer->length - LENGTH_BYTES);
        answers_check_json(answer->body + LENGTH_BYTES, (size_t)header);
        break;
    case ANSWER_INFER:
        header = answer->head_length == CODEC_NO_HEAD ? answer->length : answer->head_length;
        FUZZ_CHECK(header <= answer->length);
        answers_check_json(answer->body, (size_t)header);
        break;
    case ANSWER_FORMS: FUZZ_CHECK(form != ANSWER_FORMS);
    }
}

/* An answer, and the memory that it lies in. */
struct attempt {
    struct source source;
    struct loss_arena arena;
    enum loss_status status;
    struct answer answer;
    struct loss_error error;
};

/* Answer with memory from such a source. */
static void attempt(struct attempt *attempt, const struct codec_body *body, enum answer_form in,
                    enum answer_form out, struct source source)
{
    static const struct answer_host host = {.context = NULL};

    attempt->source = source;
    source_init(&attempt->arena, &attempt->source);
    attempt->arena.next_bytes = 0; /* a block for each piece, so that each may be missing */
    attempt->status = answer_request(body, in, out, &limits, &host, &attempt->arena,
                                     &attempt->answer, &attempt->error);
    if (attempt->status == LOSS_OK)
        check_reply(out, &attempt->answer);
    else
        check_error(attempt->status, &attempt->error);
}

static void check_same(const struct attempt *one, const struct attempt *other)
{
    FUZZ_CHECK(one->status == other->status);
    if (one->status == LOSS_OK)
        FUZZ_CHECK(one->answer.length == other->answer.length &&
                   memcmp(one->answer.body, other->answer.body, one->answer.length) == 0);
    else
        FUZZ_CHECK(strcmp(one->error.sentence, other->error.sentence) == 0 &&
                   strcmp(one->error.where, other->error.where) == 0);
}

enum loss_status answers_check(const struct codec_body *body, enum answer_form in,
                               enum answer_form out)
{
    struct attempt first, other;

    attempt(&first, body, in, out, (struct source){.fails_at = 0});
    attempt(&other, body, in, out, (struct source){.has_zeros = true});
    check_same(&first, &other);
    loss_arena_reset(&other.arena);
    if (first.source.takes > 0) { /* any of them may be the one that is not given */
        attempt(&other, body, in, out,
                (struct source){.fails_at = body->length % first.source.takes + 1});
        if (other.status != LOSS_OUT_OF_MEMORY) /* nor was it needed */
            check_same(&first, &other);
        loss_arena_reset(&other.arena);
    }
    loss_arena_reset(&first.arena);
    FUZZ_CHECK(first.source.out == 0 && other.source.out == 0);
    return first.status;
}
