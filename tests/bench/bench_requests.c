/* bench_requests.c - the bodies and heads of the requests of `make bench`. */
#include "bench/bench_requests.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1024 * 1024 };

/* What a request is made of: N rows of C logits and their targets. */
struct batch {
    size_t rows, classes;
};

static const struct batch batches[BENCH_KINDS] = {
    [BENCH_SMALL] = {5, 10},
    [BENCH_JSON] = {1000, 1000},
    [BENCH_SAFETENSORS] = {64 * MIB / (500 * sizeof(float)), 500},
    [BENCH_INFER] = {64 * MIB / (500 * sizeof(float)), 500},
    [BENCH_MEDIUM] = {16 * MIB / (500 * sizeof(float)), 500},
};

static const char evaluate[] = "/v1/evaluate", infer[] = "/v2/models/cross_entropy/infer";

/* The sum of four uniform numbers, near enough to a normal distribution of deviation 2. */
static float next_logit(uint64_t *state)
{
    double sum = 0.0;

    for (int k = 0; k < 4; k++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) * 0x1p-24 - 0.5;
    }
    return (float)(3.5 * sum);
}

/* A row's target: every class has its turn. */
static size_t target(const struct batch *batch, size_t row)
{
    return row * 7 % batch->classes;
}

/* As Python writes a float32 tensor, by way of its doubles. */
static void write_json(FILE *body, const struct batch *batch)
{
    uint64_t state = 1;

    for (size_t row = 0; row < batch->rows; row++) {
        (void)fputs(row == 0 ? "{\"logits\": [" : ", ", body);
        for (size_t c = 0; c < batch->classes; c++)
            (void)fprintf(body, "%s%.17g", c == 0 ? "[" : ", ", (double)next_logit(&state));
        (void)fputc(']', body);
    }
    for (size_t row = 0; row < batch->rows; row++)
        (void)fprintf(body, "%s%zu", row == 0 ? "], \"targets\": [" : ", ", target(batch, row));
    (void)fputs("]}", body);
}

/* The logits as float32 and the targets as int64, as they lie in memory. */
static void write_tensors(FILE *body, const struct batch *batch)
{
    uint64_t state = 1;

    for (size_t i = 0; i < batch->rows * batch->classes; i++) {
        float logit = next_logit(&state);

        (void)fwrite(&logit, sizeof logit, 1, body);
    }
    for (size_t row = 0; row < batch->rows; row++) {
        int64_t index = (int64_t)target(batch, row);

        (void)fwrite(&index, sizeof index, 1, body);
    }
}

static void write_safetensors(FILE *body, const struct batch *batch)
{
    size_t logits = batch->rows * batch->classes * sizeof(float),
           end = logits + batch->rows * sizeof(int64_t);
    char header[256];
    uint64_t length = (uint64_t)snprintf(
        header, sizeof header,
        "{\"logits\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]},"
        "\"targets\":{\"dtype\":\"I64\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
        batch->rows, batch->classes, logits, batch->rows, logits, end);

    while (length % 8 != 0) /* as the format's own library aligns the tensors */
        header[length++] = ' ';
    (void)fwrite(&length, sizeof length, 1, body);
    (void)fwrite(header, 1, length, body);
    write_tensors(body, batch);
}

/* The length of the JSON before the tensors: odd, for clients do not align them. */
static size_t write_infer(FILE *body, const struct batch *batch)
{
    int length =
        fprintf(body,
                "{\"id\":\"bench\",\"inputs\":[{\"name\":\"logits\",\"shape\":[%zu,%zu],"
                "\"datatype\":\"FP32\","
                "\"parameters\":{\"binary_data_size\":%zu}},{\"name\":\"targets\",\"shape\":[%zu],"
                "\"datatype\":\"INT64\",\"parameters\":{\"binary_data_size\":%zu}}],"
                "\"parameters\":{\"reduction\":\"mean\"}}",
                batch->rows, batch->classes, batch->rows * batch->classes * sizeof(float),
                batch->rows, batch->rows * sizeof(int64_t));

    write_tensors(body, batch);
    return (size_t)length;
}

static _Noreturn void give_up(void)
{
    perror("bench: a request cannot be made");
    exit(EXIT_FAILURE);
}

static FILE *open_memory(char **bytes, size_t *length)
{
    FILE *file = open_memstream(bytes, length);

    if (file == NULL)
        give_up();
    return file;
}

static void close_memory(FILE *file)
{
    if (ferror(file) || fclose(file) != 0)
        give_up();
}

static void make(enum bench_kind kind, struct bench_request *request)
{
    const char *type = "application/json", *path = evaluate;
    char *body, head_length[80] = "";
    size_t length;
    FILE *file = open_memory(&body, &length);

    if (kind == BENCH_SMALL || kind == BENCH_JSON) {
        write_json(file, &batches[kind]);
    } else if (kind == BENCH_INFER) {
        (void)snprintf(head_length, sizeof head_length, "Inference-Header-Content-Length: %zu\r\n",
                       write_infer(file, &batches[kind]));
        type = "application/octet-stream";
        path = infer;
    } else {
        write_safetensors(file, &batches[kind]);
        type = "application/x-safetensors";
    }
    close_memory(file);
    file = open_memory(&request->bytes, &request->length);
    (void)fprintf(file,
                  "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s"
                  "Content-Length: %zu\r\n\r\n",
                  path, type, head_length, length);
    (void)fwrite(body, 1, length, file);
    close_memory(file);
    request->body_length = length;
    free(body);
}

void bench_requests_make(struct bench_request requests[BENCH_KINDS])
{
    static const char *const names[BENCH_KINDS] = {
        [BENCH_SMALL] = "1 KB of JSON",
        [BENCH_JSON] = "JSON, 1000 x 1000",
        [BENCH_SAFETENSORS] = "safetensors, 64 MiB",
        [BENCH_INFER] = "v2 binary, 64 MiB",
        [BENCH_MEDIUM] = "safetensors, 16 MiB",
    };

    for (int kind = 0; kind < BENCH_KINDS; kind++) {
        requests[kind].name = names[kind];
        make((enum bench_kind)kind, &requests[kind]);
    }
}

void bench_requests_free(struct bench_request requests[BENCH_KINDS])
{
    for (int kind = 0; kind < BENCH_KINDS; kind++)
        free(requests[kind].bytes);
}
