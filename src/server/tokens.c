/* tokens.c - bearer tokens: read from a text, and compared in constant time. */
#include "server/tokens.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_WORDS = TOKEN_BYTES_MAX / sizeof(uint64_t) };

/* Padded with zeros, which no token contains: so two of any lengths are
 * compared by the same steps. */
struct token {
    uint64_t words[TOKEN_WORDS];
};

struct tokens {
    size_t count;
    struct token list[TOKENS_MAX];
};

/* Of RFC 6750, section 2.1, but for the '=' at the end. */
static bool is_token_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || (byte != '\0' && strchr("-._~+/", byte) != NULL);
}

static bool is_token(const char *text, size_t length)
{
    size_t used = 0;

    while (used < length && is_token_byte(text[used]))
        used++;
    if (used == 0)
        return false;
    while (used < length && text[used] == '=')
        used++;
    return used == length;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* A line without its newline. */
static enum loss_status add_line(struct tokens *tokens, const char *path, size_t number,
                                 const char *line, size_t length, struct loss_error *error)
{
    while (length > 0 && is_blank(line[length - 1]))
        length--;
    while (length > 0 && is_blank(*line)) {
        line++;
        length--;
    }
    if (length == 0 || *line == '#')
        return LOSS_OK;
    if (!is_token(line, length))
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "%.200s:%zu: a token has letters, digits and -._~+/ only, and perhaps = "
                         "at its end",
                         path, number);
    if (length < TOKEN_BYTES_MIN || length > TOKEN_BYTES_MAX)
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "%.200s:%zu: the token has %zu characters, not %d to %d", path, number,
                         length, TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
    if (tokens->count == TOKENS_MAX)
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "%.200s:%zu: this is one token more than the %d there may be", path,
                         number, TOKENS_MAX);
    memcpy(tokens->list[tokens->count++].words, line, length);
    return LOSS_OK;
}

struct tokens *tokens_parse(const char *path, const char *text, size_t length,
                            struct loss_error *error)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    const char *end = text + length;
    enum loss_status status = LOSS_OK;

    if (tokens == NULL) {
        (void)loss_fail_memory(error);
        return NULL;
    }
    for (size_t number = 1; text < end && status == LOSS_OK; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;

        status = add_line(tokens, path, number, text, (size_t)(stop - text), error);
        text = stop + 1;
    }
    if (status == LOSS_OK && tokens->count == 0)
        status = loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                           "%.200s: there is no token in it, so nobody could call", path);
    if (status == LOSS_OK)
        return tokens;
    tokens_free(tokens);
    return NULL;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens != NULL)
        explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
}

size_t tokens_count(const struct tokens *tokens)
{
    return tokens->count;
}

const char *tokens_bearer(const char *authorization, size_t *length)
{
    static const char scheme[] = "bearer ";
    size_t rest;

    if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    authorization += strspn(authorization, " ");
    rest = strlen(authorization);
    while (rest > 0 && is_blank(authorization[rest - 1]))
        rest--;
    *length = rest;
    return is_token(authorization, rest) ? authorization : NULL;
}

bool tokens_include(const struct tokens *tokens, const char *token, size_t length)
{
    struct token shown = {.words = {0}};
    uint64_t found = 0;

    if (length > TOKEN_BYTES_MAX) /* known to who sent it */
        return false;
    memcpy(shown.words, token, length);
    for (size_t i = 0; i < tokens->count; i++) {
        uint64_t different = 0;

        for (size_t w = 0; w < TOKEN_WORDS; w++)
            different |= shown.words[w] ^ tokens->list[i].words[w];
        /* The compiler may not know what it holds, and so skip nothing because of it. */
        __asm__ volatile("" : "+r"(different));
        found |= 1 ^ ((different | (0 - different)) >> 63); /* 1 for 0, else 0 */
    }
    explicit_bzero(&shown, sizeof shown);
    return found != 0;
}
