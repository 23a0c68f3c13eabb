/* test_infer_faults.c - what is wrong with a request of the Open Inference Protocol is said in one
 * sentence, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/messages.h"

struct fault {
    const char *json; /* with ' for "; # and @ for good logits and targets, $ for both as inputs */
    enum loss_status status;
    const char *where, *word; /* a word of the sentence */
};

/* The logits of `members`, then good targets; and good logits, then those targets. */
#define L(members)    "{'inputs':[{'name':'logits'," members "},@]}"
#define T(members)    "{'inputs':[#,{'name':'targets'," members "}]}"
#define O(output)     "{$,'outputs':[" output "]}"
#define P(parameters) "{$,'parameters':{" parameters "}}"

static const struct fault faults[] = {
    /* the text */
    {"", LOSS_EMPTY_BODY, "", "empty"},
    {"[]", LOSS_EXPECTED_OBJECT, "0", "an array"},
    {"{$", LOSS_INVALID_JSON, "145", "end of the body"},
    {"{$}x", LOSS_TRAILING_DATA, "146", "more follows"},
    {"{$,'x':NaN}", LOSS_NON_FINITE, "/x", "tensors"},
    {"{'inputs':[{'data':[NaN],'x':Infinity}]}", LOSS_NON_FINITE, "/x", "tensors"},
    {"{$,$}", LOSS_DUPLICATE_KEY, "/inputs", "twice"},
    {"{$,'id':7}", LOSS_WRONG_TYPE, "/id", "a string"},
    {"{$,'id':'a','id':'a'}", LOSS_DUPLICATE_KEY, "/id", "twice"},
    {"{'inputs':{}}", LOSS_WRONG_TYPE, "/inputs", "array of objects"},
    {"{'inputs':[7]}", LOSS_WRONG_TYPE, "/inputs/0", "an object"},
    {"{'inputs':[#,null]}", LOSS_WRONG_TYPE, "/inputs/1", "null"},
    {"{}", LOSS_MISSING_FIELD, "/inputs", "\"logits\" is missing"},
    {"{'inputs':[#]}", LOSS_MISSING_FIELD, "/inputs", "\"targets\" is missing"},
    {"{'inputs':[@]}", LOSS_MISSING_FIELD, "/inputs", "\"logits\" is missing"},
    /* names */
    {"{'inputs':[{'shape':[1],'datatype':'FP32','data':[1]}]}", LOSS_MISSING_FIELD,
     "/inputs/0/name", "no name"},
    {"{'inputs':[#,{'name':'target','shape':[2],'datatype':'INT64','data':[0,2]}]}",
     LOSS_UNKNOWN_FIELD, "/inputs/1/name", "did you mean \"targets\"?"},
    {"{'inputs':[{'name':'probabilities','shape':[1],'datatype':'FP32','data':[1]}]}",
     LOSS_UNKNOWN_FIELD, "/inputs/0/name", "there is no input \"probabilities\""},
    {"{'inputs':[#,#]}", LOSS_DUPLICATE_KEY, "/inputs/1/name", "\"logits\" is there twice"},
    {L("'name':'logits'"), LOSS_DUPLICATE_KEY, "/inputs/0/name", "twice"},
    /* datatypes */
    {L("'shape':[2,3],'data':[1,2,3,4,5,6]"), LOSS_MISSING_FIELD, "/inputs/0/datatype",
     "no datatype"},
    {L("'shape':[2,3],'datatype':'BYTES','data':['a']"), LOSS_UNKNOWN_DTYPE, "/inputs/0/datatype",
     "\"BYTES\", but must have \"FP16\""},
    {L("'shape':[2,3],'datatype':'fp32','data':[1]"), LOSS_UNKNOWN_DTYPE, "/inputs/0/datatype",
     "\"fp32\""},
    {L("'shape':[2,3],'datatype':'INT64','data':[1,2,3,4,5,6]"), LOSS_UNKNOWN_DTYPE,
     "/inputs/0/datatype", "or \"FP64\""},
    {L("'shape':[2,3],'datatype':8,'data':[1]"), LOSS_WRONG_TYPE, "/inputs/0/datatype", "a string"},
    {T("'shape':[2],'datatype':'BOOL','data':[true,false]"), LOSS_UNKNOWN_DTYPE,
     "/inputs/1/datatype", "or \"UINT64\""},
    {T("'shape':[2],'datatype':'FP32','data':[0,1]"), LOSS_TARGET_NOT_INTEGER, "/targets",
     "float32"},
    {T("'shape':[2,3],'datatype':'INT8','data':[0,1,0,1,0,0]"), LOSS_UNKNOWN_DTYPE, "/targets",
     "class probabilities"},
    {"{'inputs':[#,@,{'name':'weights','shape':[3],'datatype':'FP64','data':[1,1,1]}]}",
     LOSS_UNKNOWN_DTYPE, "/weights", "float64"},
    {"{'inputs':[#,@,{'name':'weights','shape':[3],'datatype':'UINT8','data':[1,1,1]}]}",
     LOSS_UNKNOWN_DTYPE, "/inputs/2/datatype", "weights has"},
    /* shapes */
    {L("'datatype':'FP32','data':[1]"), LOSS_MISSING_FIELD, "/inputs/0/shape", "no shape"},
    {L("'shape':6,'datatype':'FP32','data':[1]"), LOSS_WRONG_TYPE, "/inputs/0/shape", "an array"},
    {L("'shape':[2,'3'],'datatype':'FP32','data':[1]"), LOSS_WRONG_TYPE, "/inputs/0/shape",
     "a string"},
    {L("'shape':[2,1.5],'datatype':'FP32','data':[1]"), LOSS_WRONG_TYPE, "/inputs/0/shape",
     "whole"},
    {L("'shape':[-1,3],'datatype':'FP32','data':[1]"), LOSS_INVALID_SHAPE, "/inputs/0/shape", "-1"},
    {L("'shape':[1e30],'datatype':'FP32','data':[1]"), LOSS_INVALID_SHAPE, "/inputs/0/shape",
     "1e30"},
    {L("'shape':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],'datatype':"
       "'FP32','data':[1]"),
     LOSS_INVALID_SHAPE, "/inputs/0/shape", "32 dimensions"},
    {L("'shape':[1001,1000],'datatype':'FP32','data':[1]"), LOSS_TOO_MANY_ELEMENTS,
     "/inputs/0/shape", "1000000"},
    {L("'shape':[4294967296,4294967296],'datatype':'FP32','data':[1]"), LOSS_TOO_MANY_ELEMENTS,
     "/inputs/0/shape", "[4294967296, 4294967296]"},
    {L("'shape':[0,9223372036854775807],'datatype':'FP32','data':[]"), LOSS_TOO_MANY_ELEMENTS,
     "/inputs/0/shape", "an empty tensor may multiply to 262144"},
    {L("'shape':[0,262144],'datatype':'FP32','data':[]"), LOSS_SHAPE_MISMATCH, "/targets", "[2]"},
    {L("'shape':[262145,0],'datatype':'FP32','data':[]"), LOSS_TOO_MANY_ELEMENTS, "/inputs/0/shape",
     "262144"},
    {L("'shape':[513,0,512],'datatype':'FP32','data':[]"), LOSS_TOO_MANY_ELEMENTS,
     "/inputs/0/shape", "262144"},
    {L("'shape':[2,3],'datatype':'FP32','data':[1,2,3,4,5]"), LOSS_SHAPE_MISMATCH, "/inputs/0/data",
     "[2, 3], so its data must have that shape or be a flat array of 6, but it has shape [5]"},
    {L("'shape':[2,3],'datatype':'FP32','data':[[1,2],[3,4],[5,6]]"), LOSS_SHAPE_MISMATCH,
     "/inputs/0/data", "[3, 2]"},
    {L("'shape':[],'datatype':'FP32','data':[1]"), LOSS_INVALID_SHAPE, "/logits",
     "class dimension"},
    {T("'shape':[3],'datatype':'INT64','data':[0,1,2]"), LOSS_SHAPE_MISMATCH, "/targets", "[3]"},
    /* numbers */
    {L("'shape':[2],'datatype':'FP32','data':[1,null]"), LOSS_WRONG_TYPE, "/logits/1",
     "logits[1] is null"},
    {L("'data':[1,nan],'shape':[2],'datatype':'FP32'"), LOSS_INVALID_JSON, "38", "a value"},
    {L("'shape':[2],'datatype':'FP32','data':[1,'inf']"), LOSS_WRONG_TYPE, "/logits/1", "a string"},
    {L("'shape':[1,2],'datatype':'FP32','data':[[1,'nan']]"), LOSS_WRONG_TYPE, "/logits/0/1",
     "logits[0][1]"},
    {L("'shape':[2],'datatype':'FP32','data':[1,1e39]"), LOSS_NUMBER_OUT_OF_RANGE, "/logits/1",
     "FP64"},
    {L("'shape':[2],'datatype':'FP64','data':[1,1e999]"), LOSS_NUMBER_OUT_OF_RANGE, "/logits/1",
     "float64"},
    {L("'shape':[2],'datatype':'FP16','data':[1,65520]"), LOSS_NUMBER_OUT_OF_RANGE, "/logits/1",
     "65520, which is too large for FP16"},
    {L("'shape':[2],'datatype':'BF16','data':[1,3.4e38]"), LOSS_NUMBER_OUT_OF_RANGE, "/logits/1",
     "BF16"},
    {T("'shape':[2],'datatype':'INT8','data':[0,128]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/1",
     "INT8 holds -128 to 127"},
    {T("'shape':[2],'datatype':'INT8','data':[-129,0]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/0",
     "-129"},
    {T("'shape':[2],'datatype':'UINT8','data':[0,256]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/1",
     "0 to 255"},
    {T("'shape':[2],'datatype':'UINT16','data':[0,65536]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/1",
     "65535"},
    {T("'shape':[2],'datatype':'UINT32','data':[0,-1]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/1",
     "0 to 4294967295"},
    {T("'shape':[2],'datatype':'INT64','data':[0,9223372036854775808]"), LOSS_VALUE_OUT_OF_RANGE,
     "/targets/1", "9223372036854775808"},
    {T("'shape':[2],'datatype':'UINT64','data':[0,18446744073709551615]"), LOSS_TARGET_OUT_OF_RANGE,
     "/targets/1", "not that many"},
    {T("'shape':[2],'datatype':'UINT64','data':[0,-1e30]"), LOSS_VALUE_OUT_OF_RANGE, "/targets/1",
     "datatype"},
    {T("'shape':[2],'datatype':'INT64','data':[0,9007199254740993]"), LOSS_TARGET_OUT_OF_RANGE,
     "/targets/1", "9007199254740993"},
    {T("'shape':[2],'datatype':'INT64','data':[0,0.5]"), LOSS_TARGET_NOT_INTEGER, "/targets/1",
     "0.5"},
    {T("'shape':[2],'datatype':'INT64','data':[NaN,0]"), LOSS_TARGET_NOT_INTEGER, "/targets/0",
     "NaN"},
    {T("'shape':[2],'datatype':'INT64','data':[0,true]"), LOSS_WRONG_TYPE, "/targets/1", "true"},
    {T("'data':[0,null],'shape':[2],'datatype':'INT64'"), LOSS_WRONG_TYPE, "/targets/1", "null"},
    {T("'shape':[2],'datatype':'INT64','data':[0,3]"), LOSS_TARGET_OUT_OF_RANGE, "/targets/1",
     "3 classes"},
    /* where the data is */
    {L("'shape':[2,3],'datatype':'FP32'"), LOSS_MISSING_FIELD, "/inputs/0/data", "neither"},
    {L("'shape':[0,3],'datatype':'FP32','data':[],'parameters':{'binary_data_size':0}"),
     LOSS_CONFLICTING_FIELDS, "/inputs/0/data", "both"},
    {L("'shape':[2,3],'datatype':'FP32','parameters':{'binary_data_size':24}"), LOSS_BAD_FRAMING,
     "/inputs/0/parameters/binary_data_size", "Inference-Header-Content-Length is missing"},
    {L("'shape':[2,3],'datatype':'FP32','parameters':{'binary_data_size':23}"), LOSS_SHAPE_MISMATCH,
     "/inputs/0/parameters/binary_data_size",
     "23, but logits of shape [2, 3] in FP32 has 24 bytes"},
    {L("'shape':[2,3],'datatype':'FP32','parameters':{'binary_data_size':-24}"),
     LOSS_VALUE_OUT_OF_RANGE, "/inputs/0/parameters/binary_data_size", "-24"},
    {L("'shape':[2,3],'datatype':'FP32','parameters':{'shared_memory_region':'r'}"),
     LOSS_UNKNOWN_FIELD, "/inputs/0/parameters/shared_memory_region",
     "shared memory is not offered"},
    {L("'parameters':[]"), LOSS_WRONG_TYPE, "/inputs/0/parameters", "an object"},
    /* outputs */
    {O("'loss'"), LOSS_WRONG_TYPE, "/outputs/0", "an object"},
    {O("{}"), LOSS_MISSING_FIELD, "/outputs/0/name", "no name"},
    {O("{'name':'loss'},{'name':'softmx'}"), LOSS_UNKNOWN_FIELD, "/outputs/1/name",
     "did you mean \"softmax\"?"},
    {O("{'name':'per_clas'}"), LOSS_UNKNOWN_FIELD, "/outputs/0/name", "\"per_class\""},
    {O("{'name':'ece_bins.cont'}"), LOSS_UNKNOWN_FIELD, "/outputs/0/name", "\"ece_bins.count\""},
    {O("{'name':'zzzzzzzzzzzz'}"), LOSS_UNKNOWN_FIELD, "/outputs/0/name",
     "no output \"zzzzzzzzzzzz\""},
    {O("{'name':'loss'},{'name':'loss'}"), LOSS_DUPLICATE_KEY, "/outputs/1/name",
     "\"loss\" is listed twice"},
    {O("{'name':'per_class.count'},{'name':'per_class'}"), LOSS_DUPLICATE_KEY, "/outputs/1/name",
     "per_class.count"},
    {O("{'name':'loss','parameters':{'binary_data':1}}"), LOSS_WRONG_TYPE,
     "/outputs/0/parameters/binary_data", "a boolean"},
    {O("{'name':'loss','parameters':{'classification':-1}}"), LOSS_VALUE_OUT_OF_RANGE,
     "/outputs/0/parameters/classification", "-1"},
    {O("{'name':'loss','parameters':{'classification':1000001}}"), LOSS_VALUE_OUT_OF_RANGE,
     "/outputs/0/parameters/classification", "1000000"},
    {O("{'name':'loss','parameters':{'shared_memory_offset':0}}"), LOSS_UNKNOWN_FIELD,
     "/outputs/0/parameters/shared_memory_offset", "shared memory"},
    {"{'inputs':[#,{'name':'targets','shape':[2,3],'datatype':'FP64','data':[1,0,0,0,0,1]}],"
     "'outputs':[{'name':'correct'}]}",
     LOSS_TARGET_NOT_INTEGER, "/targets", "correct needs"},
    {"{'inputs':[#,{'name':'targets','shape':[2,3],'datatype':'FP64','data':[1,0,0,0,0,1]}],"
     "'outputs':[{'name':'accuracy'}]}",
     LOSS_TARGET_NOT_INTEGER, "/targets", "accuracy needs"},
    {"{'inputs':[{'name':'logits','shape':[0,257],'datatype':'FP32','data':[]},"
     "{'name':'targets','shape':[0],'datatype':'INT64','data':[]}],"
     "'outputs':[{'name':'confusion_matrix','parameters':{'classification':1}}]}",
     LOSS_TOO_MANY_ELEMENTS, "/outputs",
     "66049 elements, but classification is made for at most "
     "65536"},
    /* parameters */
    {P("'reduction':'avg'"), LOSS_UNKNOWN_VALUE, "/reduction", "\"avg\""},
    {P("'reduction':['mean']"), LOSS_WRONG_TYPE, "/reduction", "an array"},
    {P("'label_smoothing':2"), LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing", "2"},
    {P("'k':1,'k':1"), LOSS_DUPLICATE_KEY, "/k", "twice"},
    {P("'binary_data_output':true,'binary_data_output':true"), LOSS_DUPLICATE_KEY,
     "/parameters/binary_data_output", "twice"},
    {P("'binary_data_output':'yes'"), LOSS_WRONG_TYPE, "/parameters/binary_data_output",
     "a boolean"},
    {P("'ignore_indx':1"), LOSS_UNKNOWN_FIELD, "/parameters", "did you mean \"ignore_index\"?"},
    {P("'timeuot':1"), LOSS_UNKNOWN_FIELD, "/parameters", "\"timeout\""},
    {P("'dtype':'float64'"), LOSS_UNKNOWN_FIELD, "/parameters/dtype", "datatypes"},
    {P("'return':'softmax'"), LOSS_UNKNOWN_FIELD, "/parameters/return", "outputs"},
    {P("'id':'7'"), LOSS_UNKNOWN_FIELD, "/parameters/id", "member"},
    {P("'priority':-1"), LOSS_VALUE_OUT_OF_RANGE, "/parameters/priority", "-1"},
    {P("'timeout':1.5"), LOSS_WRONG_TYPE, "/parameters/timeout", "whole"},
    {P("'timeout':'1'"), LOSS_WRONG_TYPE, "/parameters/timeout", "a string"},
    {P("'sequence_id':42"), LOSS_UNKNOWN_VALUE, "/parameters/sequence_id", "no state"},
    {P("'sequence_start':true"), LOSS_UNKNOWN_VALUE, "/parameters/sequence_start", "no state"},
    {P("'triton_enable_x':true"), LOSS_UNKNOWN_FIELD, "/parameters", "reserved"},
    {"{$,'parameters':7}", LOSS_WRONG_TYPE, "/parameters", "a number"},
};

#define GOOD_LOGITS  "{'name':'logits','shape':[2,3],'datatype':'FP32','data':[1,2,3,4,5,6]}"
#define GOOD_TARGETS "{'name':'targets','shape':[2],'datatype':'INT64','data':[0,2]}"

/* Write the text that a row stands for. */
static void write_json(const char *json, char *text)
{
    for (; *json != '\0'; json++) {
        const char *meaning = *json == '#'   ? GOOD_LOGITS
                              : *json == '@' ? GOOD_TARGETS
                              : *json == '$' ? "'inputs':[" GOOD_LOGITS "," GOOD_TARGETS "]"
                                             : NULL;

        if (meaning != NULL) {
            write_json(meaning, text);
            text += strlen(text);
        } else {
            *text++ = *json == '\'' ? '"' : *json;
        }
    }
    *text = '\0';
}

static void every_fault_has_its_sentence(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;
        char text[1024];

        loss_arena_init(&arena, NULL);
        write_json(faults[i].json, text);
        (void)message_answer(&(struct message){LOSS_STAGE_LOGITS, text, NULL, 0}, 0, &arena,
                             &answer, &error);
        if (error.status != faults[i].status || strcmp(error.where, faults[i].where) != 0 ||
            strstr(error.sentence, faults[i].word) == NULL)
            wrong += printf("%s: got %s at %s: %s\n", faults[i].json,
                            loss_status_code(error.status), error.where, error.sentence);
        loss_arena_reset(&arena);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_sentence),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
