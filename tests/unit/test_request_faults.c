/* test_request_faults.c - faults of JSON requests: the status, place and sentence of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/bodies.h"
#include "support/messages.h"

struct fault {
    const char *text;
    enum loss_status status;
    const char *where, *says;
};

static void check_faults(const struct fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = faults[i].text;
        struct codec_request request;
        struct loss_arena arena;
        struct loss_error error;
        enum loss_status status;

        loss_arena_init(&arena, NULL);
        status = body_decode(text, strlen(text), &message_limits, &arena, &request, &error);
        if (status != faults[i].status)
            fail_msg("%s: got %s, want %s", text, loss_status_code(status),
                     loss_status_code(faults[i].status));
        if (status != LOSS_OK && strcmp(error.where, faults[i].where) != 0)
            fail_msg("%s: at %s, want %s", text, error.where, faults[i].where);
        if (status != LOSS_OK && strstr(error.sentence, faults[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", text, error.sentence, faults[i].says);
        loss_arena_reset(&arena);
    }
}

static void faults_of_the_text(void **state)
{
    static const struct fault faults[] = {
        {"", LOSS_EMPTY_BODY, "", "empty"},
        {" \t\r\n", LOSS_EMPTY_BODY, "", "empty"},
        {"[]", LOSS_EXPECTED_OBJECT, "0", "an array"},
        {" \"x\"", LOSS_EXPECTED_OBJECT, "0", "a string"},
        {"-1.5", LOSS_EXPECTED_OBJECT, "0", "a number"},
        {"null", LOSS_EXPECTED_OBJECT, "0", "null"},
        {"true", LOSS_EXPECTED_OBJECT, "0", "a boolean"},
        {"{", LOSS_INVALID_JSON, "1", "a field name"},
        {"{}x", LOSS_TRAILING_DATA, "2", "byte 2"},
        {"{} {}", LOSS_TRAILING_DATA, "3", "byte 3"},
        {"{\"logits\":[[1,", LOSS_INVALID_JSON, "14", "the end of the body"},
        {"{\"logits\":[1],}", LOSS_INVALID_JSON, "14", "a field name"},
        {"{\"logits\":[1,]}", LOSS_INVALID_JSON, "13", "']'"},
        {"{'logits':[1]}", LOSS_INVALID_JSON, "1", "'''"},
        {"{logits:[1]}", LOSS_INVALID_JSON, "1", "'l'"},
        {"{\"logits\" [1]}", LOSS_INVALID_JSON, "10", "':'"},
        {"{\"logits\":[1] \"targets\":0}", LOSS_INVALID_JSON, "14", "',' or '}'"},
        {"/**/{}", LOSS_INVALID_JSON, "0", "'/'"},
        {"\xef\xbb\xbf{}", LOSS_INVALID_JSON, "0", "0xef"},
        {"x", LOSS_INVALID_JSON, "0", "'x'"},
        {"[NaN]", LOSS_EXPECTED_OBJECT, "0", "an array"},
        {"-Infinity", LOSS_EXPECTED_OBJECT, "0", "-Infinity"},
        {"1e999", LOSS_EXPECTED_OBJECT, "0", "a number"},
        {"nul", LOSS_INVALID_JSON, "0", "'n'"},
        {"NaN", LOSS_INVALID_JSON, "0", "NaN"},
        {"{\"id\":\"\xff\"}", LOSS_INVALID_UTF8, "7", "0xff"},
        {"{\"\xc3\x28\":1}", LOSS_INVALID_UTF8, "2", "0xc3"},
        {"{\"\\u0000\":1}", LOSS_INVALID_JSON, "2", "\\u0000"},
        {"{\"id\":\"\\u0000\"}", LOSS_INVALID_JSON, "7", "\\u0000"},
    };

    (void)state;
    check_faults(faults, sizeof faults / sizeof faults[0]);
}

static void faults_of_the_fields(void **state)
{
    static const struct fault faults[] = {
        {"{}", LOSS_MISSING_FIELD, "", "log_probabilities"},
        {"{\"targets\":0}", LOSS_MISSING_FIELD, "", "logits"},
        {"{\"logits\":[1]}", LOSS_MISSING_FIELD, "", "targets"},
        {"{\"logits\":[1],\"targets\":0,\"logits\":[1]}", LOSS_DUPLICATE_KEY, "/logits", "logits"},
        {"{\"targets\":0,\"t\\u0061rgets\":0}", LOSS_DUPLICATE_KEY, "/targets", "twice"},
        {"{\"dtype\":\"float32\",\"dtype\":\"float32\"}", LOSS_DUPLICATE_KEY, "/dtype", "twice"},
        {"{\"id\":{\"a\":{\"b\":1,\"\\u0062\":2}}}", LOSS_DUPLICATE_KEY, "/id", "id"},
        {"{\"logits\":[1],\"probabilities\":[1],\"targets\":0}", LOSS_CONFLICTING_FIELDS,
         "/probabilities", "\"logits\" and \"probabilities\""},
        {"{\"log_probabilities\":[1],\"logits\":[1]}", LOSS_CONFLICTING_FIELDS, "/logits",
         "\"log_probabilities\" and \"logits\""},
        {"{\"target\":[1]}", LOSS_UNKNOWN_FIELD, "/target", "\"targets\""},
        {"{\"weight\":[1]}", LOSS_UNKNOWN_FIELD, "/weight", "\"weights\""},
        {"{\"Logits\":[1]}", LOSS_UNKNOWN_FIELD, "/Logits", "\"logits\""},
        {"{\"smoothing\":0}", LOSS_UNKNOWN_FIELD, "/smoothing", "no field \"smoothing\""},
        {"{\"ignore-index\":0}", LOSS_UNKNOWN_FIELD, "/ignore-index", "\"ignore_index\""},
        {"{\"xyzzyxyzzyxyzzyxyzzy\":0}", LOSS_UNKNOWN_FIELD, "/xyzzyxyzzyxyzzyxyzzy",
         "there is no field \"xyzzyxyzzyxyzzyxyzzy\""},
        {"{\"a/b~c\\\"\":0}", LOSS_UNKNOWN_FIELD, "/a~1b~0c\"", "\"a/b~c?\""},
        {"{\"\":0}", LOSS_UNKNOWN_FIELD, "/", "no field \"\""},
        {"{\"logits\":[[1],[2,3]],\"targets\":0}", LOSS_RAGGED_ARRAY, "/logits/1", "length 2"},
        {"{\"logits\":\"x\",\"targets\":0}", LOSS_WRONG_TYPE, "/logits", "a string"},
        {"{\"logits\":[1],\"targets\":{}}", LOSS_WRONG_TYPE, "/targets", "an object"},
        {"{\"logits\":[1],\"targets\":0,\"weights\":[null]}", LOSS_WRONG_TYPE, "/weights/0",
         "null"},
        {"{\"logits\":[1,1e39],\"targets\":0}", LOSS_NUMBER_OUT_OF_RANGE, "/logits/1", "1e39"},
        {"{\"logits\":[1],\"targets\":0,\"weights\":[-4e38]}", LOSS_NUMBER_OUT_OF_RANGE,
         "/weights/0", "-4e38"},
        {"{\"logits\":[1e39],\"targets\":0,\"dtype\":\"float32\"}", LOSS_NUMBER_OUT_OF_RANGE,
         "/logits/0", "float64"},
        {"{\"logits\":[1e39],\"targets\":0,\"dtype\":\"float64\"}", LOSS_OK, NULL, NULL},
        {"{\"dtype\":\"float64\",\"logits\":[1e39],\"targets\":0,\"weights\":[1e300]}", LOSS_OK,
         NULL, NULL},
        {"{\"logits\":[1e999],\"targets\":0,\"dtype\":\"float64\"}", LOSS_NUMBER_OUT_OF_RANGE,
         "/logits/0", "float64"},
    };

    (void)state;
    check_faults(faults, sizeof faults / sizeof faults[0]);
}

static void faults_of_the_targets(void **state)
{
#define TWO "{\"logits\":[[1,2],[3,4]],\"targets\":"
    static const struct fault faults[] = {
        {TWO "[0,1.5]}", LOSS_TARGET_NOT_INTEGER, "/targets/1", "targets[1] is 1.5"},
        {TWO "[\"1\",0]}", LOSS_TARGET_NOT_INTEGER, "/targets/0", "\"1\""},
        {TWO "[0,true]}", LOSS_TARGET_NOT_INTEGER, "/targets/1", "true"},
        {TWO "[0,null]}", LOSS_TARGET_NOT_INTEGER, "/targets/1", "null"},
        {TWO "[NaN,0]}", LOSS_TARGET_NOT_INTEGER, "/targets/0", "NaN"},
        {TWO "[0,\"Infinity\"]}", LOSS_TARGET_NOT_INTEGER, "/targets/1", "Infinity"},
        {TWO "[0,1e30]}", LOSS_TARGET_OUT_OF_RANGE, "/targets/1", "1e30"},
        {TWO "[9223372036854775808,0.5]}", LOSS_TARGET_OUT_OF_RANGE, "/targets/0",
         "9223372036854775808"},
        {TWO "[0.5,9223372036854775808]}", LOSS_TARGET_NOT_INTEGER, "/targets/0", "0.5"},
        {TWO "[\"\xc3\xa9\\n longer than the room for it\",0]}", LOSS_TARGET_NOT_INTEGER,
         "/targets/0", "\"??\\n"},
        {TWO "[[0.5,0.5],[1,\"x\"]]}", LOSS_WRONG_TYPE, "/targets/1/1", "\"x\""},
        {TWO "[[0.5,null],[1,0]]}", LOSS_WRONG_TYPE, "/targets/0/1", "null"},
        {TWO "[[true,0.5],[1,0]]}", LOSS_WRONG_TYPE, "/targets/0/0", "true"},
        {TWO "[[1e30,0],[false,0]]}", LOSS_WRONG_TYPE, "/targets/1/0", "false"},
        {TWO "[[\"NaN\",0],[\"nan\",0]]}", LOSS_WRONG_TYPE, "/targets/1/0", "\"nan\""},
        {TWO "[[0,1e39],[0,0]]}", LOSS_NUMBER_OUT_OF_RANGE, "/targets/0/1", "3.4028235e38"},
        {TWO "[[0,0.5],[-1e39,0]]}", LOSS_NUMBER_OUT_OF_RANGE, "/targets/1/0", "1e+39"},
        {TWO "[[0,1e39],[0,0]],\"dtype\":\"float64\"}", LOSS_OK, NULL, NULL},
        {TWO "[[0,1e999],[0,0]],\"dtype\":\"float64\"}", LOSS_NUMBER_OUT_OF_RANGE, "/targets/0/1",
         "float64"},
        {TWO "[[NaN,\"-Infinity\"],[0,0.5]]}", LOSS_OK, NULL, NULL},
        {TWO "[0]}", LOSS_OK, NULL, NULL}, /* libloss says what does not fit */
        {TWO "[0.5,\"x\",null]}", LOSS_OK, NULL, NULL},
    };
#undef TWO

    (void)state;
    check_faults(faults, sizeof faults / sizeof faults[0]);
}

static void faults_of_the_options(void **state)
{
    static const struct fault faults[] = {
        {"{\"reduction\":1}", LOSS_WRONG_TYPE, "/reduction", "a number, but must be a string"},
        {"{\"reduction\":null}", LOSS_WRONG_TYPE, "/reduction", "null"},
        {"{\"reduction\":\"Mean\"}", LOSS_UNKNOWN_VALUE, "/reduction",
         "\"Mean\", but must be \"mean\", \"sum\" or \"none\""},
        {"{\"reduction\":\"NaN\"}", LOSS_UNKNOWN_VALUE, "/reduction", "\"NaN\""},
        {"{\"reduction\":\"\"}", LOSS_UNKNOWN_VALUE, "/reduction", "\"\""},
        {"{\"size_average\":1}", LOSS_WRONG_TYPE, "/size_average", "a boolean"},
        {"{\"reduce\":\"true\"}", LOSS_WRONG_TYPE, "/reduce", "a boolean"},
        {"{\"ignore_index\":\"1\"}", LOSS_WRONG_TYPE, "/ignore_index", "an integer"},
        {"{\"ignore_index\":1.5}", LOSS_WRONG_TYPE, "/ignore_index", "an integer"},
        {"{\"ignore_index\":true}", LOSS_WRONG_TYPE, "/ignore_index", "a boolean"},
        {"{\"ignore_index\":9.3e18}", LOSS_VALUE_OUT_OF_RANGE, "/ignore_index", "9.3e+18"},
        {"{\"ignore_index\":9223372036854775808.0}", LOSS_VALUE_OUT_OF_RANGE, "/ignore_index",
         "64"},
        {"{\"ignore_index\":-9.3e18}", LOSS_VALUE_OUT_OF_RANGE, "/ignore_index", "-9.3e+18"},
        {"{\"ignore_index\":9223372036854775808}", LOSS_NUMBER_OUT_OF_RANGE, "/ignore_index",
         "64 bits"},
        {"{\"ignore_index\":NaN}", LOSS_NON_FINITE, "/ignore_index", "ignore_index"},
        {"{\"label_smoothing\":\"0.1\"}", LOSS_WRONG_TYPE, "/label_smoothing", "a string"},
        {"{\"label_smoothing\":[0.1]}", LOSS_WRONG_TYPE, "/label_smoothing", "an array"},
        {"{\"label_smoothing\":-Infinity}", LOSS_NON_FINITE, "/label_smoothing", "label_smoothing"},
        {"{\"label_smoothing\":\"NaN\"}", LOSS_NON_FINITE, "/label_smoothing", "label_smoothing"},
        {"{\"label_smoothing\":\"NaNx\"}", LOSS_WRONG_TYPE, "/label_smoothing", "a string"},
        {"{\"label_smoothing\":1e999}", LOSS_NUMBER_OUT_OF_RANGE, "/label_smoothing", "float64"},
        {"{\"dtype\":32}", LOSS_WRONG_TYPE, "/dtype", "a number"},
        {"{\"dtype\":\"float16\"}", LOSS_UNKNOWN_DTYPE, "/dtype", "\"float32\" or \"float64\""},
        {"{\"dtype\":\"int64\"}", LOSS_UNKNOWN_DTYPE, "/dtype", "\"int64\""},
        {"{\"dtype\":\"double\"}", LOSS_UNKNOWN_DTYPE, "/dtype", "\"double\""},
        {"{\"return\":\"softmax\"}", LOSS_WRONG_TYPE, "/return", "a string"},
        {"{\"return\":[\"softmax\",1]}", LOSS_WRONG_TYPE, "/return/1", "return[1] is a number"},
        {"{\"return\":[\"losses\",\"Softmax\"]}", LOSS_UNKNOWN_VALUE, "/return/1",
         "\"losses\", \"softmax\", \"log_softmax\", \"gradient\", \"predictions\", \"accuracy\", "
         "\"top_k_accuracy\", \"perplexity\", \"entropy\", \"confidence\", \"brier\", \"ece\", "
         "\"per_class\" or \"confusion_matrix\""},
        {"{\"return\":[\"loss\"]}", LOSS_UNKNOWN_VALUE, "/return/0", "return[0] is \"loss\""},
        {"{\"return\":[NaN]}", LOSS_NON_FINITE, "/return", "return"},
        {"{\"id\":1}", LOSS_WRONG_TYPE, "/id", "a number, but must be a string"},
        {"{\"id\":[[[[]]]]}", LOSS_WRONG_TYPE, "/id", "an array"},
    };

    (void)state;
    check_faults(faults, sizeof faults / sizeof faults[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_the_text),
        cmocka_unit_test(faults_of_the_fields),
        cmocka_unit_test(faults_of_the_targets),
        cmocka_unit_test(faults_of_the_options),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
