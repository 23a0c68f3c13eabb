/* head.c - the guard, and what headers mean. */
#include "server/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool head_is_token(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

bool head_number(const char *text, size_t digits_max, uint64_t *number)
{
    size_t length = text != NULL ? strlen(text) : 0;

    if (length == 0 || length > digits_max || strspn(text, "0123456789") != length)
        return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

const char *head_path(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);
        const char *path;

        if (strncasecmp(url, schemes[i], length) != 0)
            continue;
        path = strchr(url + length, '/');
        return path != NULL ? path : "/";
    }
    return url;
}

/* A list goes on on another line, RFC 9110, section 5.3. */
static void join(const char **list, char *joined, const char *value)
{
    size_t length = strlen(*list);

    if (length + strlen(value) + sizeof ", " > HEAD_LIST_BYTES)
        return;
    if (*list != joined)
        memcpy(joined, *list, length);
    (void)snprintf(joined + length, HEAD_LIST_BYTES - length, ", %s", value);
    *list = joined;
}

void head_note(struct head *head, const char *name, size_t length, const char *value)
{
    static const struct {
        const char *name;
        size_t value, count, joined; /* where in struct head, or 0 */
    } known[] = {
        {"Content-Type", offsetof(struct head, content_type), offsetof(struct head, content_types),
         0},
        {"Content-Encoding", offsetof(struct head, content_encoding),
         offsetof(struct head, content_encodings), 0},
        {"Content-Length", offsetof(struct head, content_length),
         offsetof(struct head, content_lengths), 0},
        {"Transfer-Encoding", offsetof(struct head, transfer_encoding),
         offsetof(struct head, transfer_encodings), 0},
        {"Expect", offsetof(struct head, expect), offsetof(struct head, expects), 0},
        {"X-Request-Id", offsetof(struct head, request_id), 0, 0},
        {"Accept", offsetof(struct head, accept), 0, offsetof(struct head, accept_joined)},
        {"Accept-Encoding", offsetof(struct head, accept_encoding), 0,
         offsetof(struct head, accept_encoding_joined)},
        {"Inference-Header-Content-Length", offsetof(struct head, inference_header_length),
         offsetof(struct head, inference_header_lengths), 0},
        {"Authorization", offsetof(struct head, authorization),
         offsetof(struct head, authorizations), 0},
        {"X-Timeout-Ms", offsetof(struct head, timeout_ms), 0, 0},
        {"traceparent", offsetof(struct head, traceparent), 0, 0},
        {"If-None-Match", offsetof(struct head, if_none_match), 0, 0},
        {"Origin", offsetof(struct head, origin), 0, 0},
        {"Access-Control-Request-Method", offsetof(struct head, wanted_method), 0, 0},
        {"Host", 0, offsetof(struct head, hosts), 0},
    };

    for (size_t i = 0; i < length; i++)
        head->has_bad_name |= !head_is_token((unsigned char)name[i]);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (((name[0] ^ known[i].name[0]) & ~0x20) != 0 || /* most differ here, by more than case */
            strcasecmp(name, known[i].name) != 0)
            continue;
        if (known[i].count != 0)
            ++*(unsigned *)(void *)((char *)head + known[i].count);
        if (known[i].value != 0) {
            const char **field = (const char **)(void *)((char *)head + known[i].value);

            if (*field == NULL)
                *field = value != NULL ? value : "";
            else if (value != NULL && known[i].joined != 0)
                join(field, (char *)head + known[i].joined, value);
        }
    }
}

void head_note_query(struct head *head, const char *name, size_t name_length, const char *value,
                     size_t value_length)
{
    if (strlen(name) != name_length || (value != NULL && strlen(value) != value_length))
        head->has_bad_query = true;
    if (head->query_count == HEAD_QUERY_MAX)
        return;
    head->query[head->query_count++] = (struct codec_option){name, value != NULL ? value : ""};
}

static bool is_chunked(const struct head *head)
{
    return head->transfer_encoding != NULL && strcasecmp(head->transfer_encoding, "chunked") == 0;
}

enum loss_status head_guard(const struct head *head, struct loss_error *error)
{
    const struct {
        bool bad;
        const char *sentence;
    } faults[] = {
        {head->content_lengths > 1, "Content-Length is there more than once"},
        {head->transfer_encodings > 1, "Transfer-Encoding is there more than once"},
        {head->transfer_encodings > 0 && head->content_lengths > 0,
         "Transfer-Encoding and Content-Length are both there"},
        {head->transfer_encodings > 0 && !is_chunked(head),
         "Transfer-Encoding is not \"chunked\", the only one understood"},
        {head->transfer_encodings > 0 && head->is_http_1_0, "HTTP/1.0 has no Transfer-Encoding"},
        {head->hosts > 1, "Host is there more than once"},
        {head->content_types > 1, "Content-Type is there more than once"},
        {head->content_encodings > 1, "Content-Encoding is there more than once"},
        {head->expects > 1, "Expect is there more than once"},
        {head->hosts == 0 && !head->is_http_1_0, "Host is missing"},
        {head->has_bad_name, "a header's name has a character that no name may have"},
        {head->is_folded, "a header goes on on a second line, which begins with a blank"},
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i].bad)
            return loss_fail(error, LOSS_BAD_FRAMING, NULL, "%s", faults[i].sentence);
    }
    if (head->expect != NULL && strcasecmp(head->expect, "100-continue") != 0)
        return loss_fail(error, LOSS_EXPECTATION_FAILED, NULL,
                         "the header Expect asks for something else than 100-continue");
    return LOSS_OK;
}

enum head_body head_body(const struct head *head, uint64_t *length)
{
    *length = 0;
    if (head->transfer_encodings > 0)
        return HEAD_BODY_CHUNKED;
    if (head->content_length == NULL)
        return HEAD_BODY_NONE;
    *length = strtoull(head->content_length, NULL, 10); /* the library took only digits */
    return *length > 0 ? HEAD_BODY_SIZED : HEAD_BODY_NONE;
}

bool head_is_media_type(const char *type, const char *media_type)
{
    size_t length = strlen(media_type);

    type += strspn(type, " \t");
    return strncasecmp(type, media_type, length) == 0 &&
           (type[length] == '\0' || strchr(" \t;", type[length]) != NULL);
}
