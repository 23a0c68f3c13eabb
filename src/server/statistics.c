/* statistics.c - what the Open Inference Protocol tells of a model's past. */
#include "server/statistics.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "server/exchange.h"

enum { MODELS_MAX = 8 };

struct duration {
    uint64_t count, ns;
};

struct past {
    uint64_t rows, executions, last_inference_ms; /* since 1970 */
    struct duration success, fail, queue, decode, evaluate, encode;
};

struct statistics {
    pthread_mutex_t lock;           /* guards all below */
    struct past models[MODELS_MAX]; /* in the order of infer_model_at */
};

struct statistics *statistics_new(void)
{
    struct statistics *statistics = calloc(1, sizeof *statistics);

    if (statistics == NULL || pthread_mutex_init(&statistics->lock, NULL) == 0)
        return statistics;
    free(statistics);
    return NULL;
}

void statistics_free(struct statistics *statistics)
{
    if (statistics == NULL)
        return;
    (void)pthread_mutex_destroy(&statistics->lock);
    free(statistics);
}

static void add(struct duration *duration, uint64_t ns)
{
    duration->count++;
    duration->ns += ns;
}

static size_t index_of(const struct infer_model *model)
{
    size_t index = 0;

    while (infer_model_at(index) != model)
        index++;
    assert(index < MODELS_MAX);
    return index;
}

static void count(struct past *model, const struct exchange *exchange, uint64_t duration_ns)
{
    struct timespec now;

    if (exchange->status != LOSS_OK) {
        add(&model->fail, duration_ns);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    model->last_inference_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    model->rows += exchange->rows;
    model->executions++;
    add(&model->success, duration_ns);
    add(&model->queue, exchange->job.waited_ns);
    add(&model->decode, exchange->decode_ns);
    add(&model->evaluate, exchange->evaluate_ns);
    add(&model->encode, exchange->encode_ns);
}

void statistics_count(struct statistics *statistics, const struct exchange *exchange,
                      uint64_t duration_ns)
{
    struct past *model = &statistics->models[index_of(exchange->model)];

    (void)pthread_mutex_lock(&statistics->lock);
    count(model, exchange, duration_ns);
    (void)pthread_mutex_unlock(&statistics->lock);
}

static void put_number(struct text *text, const char *before, uint64_t number)
{
    text_word(text, before);
    text_unsigned(text, (size_t)number);
}

static void put_duration(struct text *text, const char *name, const struct duration *duration)
{
    text_word(text, name);
    put_number(text, ":{\"count\":", duration->count);
    put_number(text, ",\"ns\":", duration->ns);
    text_word(text, "}");
}

static void put_model(struct text *text, const struct infer_model *model, const struct past *found)
{
    static const struct duration none;

    text_word(text, "{\"name\":");
    text_string(text, model->name);
    text_word(text, ",\"version\":\"1\"");
    put_number(text, ",\"last_inference\":", found->last_inference_ms);
    put_number(text, ",\"inference_count\":", found->rows);
    put_number(text, ",\"execution_count\":", found->executions);
    text_word(text, ",\"inference_stats\":{");
    put_duration(text, "\"success\"", &found->success);
    put_duration(text, ",\"fail\"", &found->fail);
    put_duration(text, ",\"queue\"", &found->queue);
    put_duration(text, ",\"compute_input\"", &found->decode);
    put_duration(text, ",\"compute_infer\"", &found->evaluate);
    put_duration(text, ",\"compute_output\"", &found->encode);
    put_duration(text, ",\"cache_hit\"", &none);
    put_duration(text, ",\"cache_miss\"", &none);
    text_word(text, "},\"response_stats\":{},\"batch_stats\":[],\"memory_usage\":[]}");
}

bool statistics_write(struct text *text, struct statistics *statistics,
                      const struct infer_model *model)
{
    const char *before = "";
    struct past found;

    text_word(text, "{\"model_stats\":[");
    for (size_t i = 0; infer_model_at(i) != NULL; i++) {
        if (model != NULL && infer_model_at(i) != model)
            continue;
        text_word(text, before);
        (void)pthread_mutex_lock(&statistics->lock);
        found = statistics->models[i];
        (void)pthread_mutex_unlock(&statistics->lock);
        put_model(text, infer_model_at(i), &found);
        before = ",";
    }
    text_word(text, "]}\n");
    return !text->failed;
}
