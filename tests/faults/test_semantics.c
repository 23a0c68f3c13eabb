/* test_semantics.c - faults of what a body means: rows 23 to 39. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/faults.h"
#include "support/session.h"

/* clang-format off */
#define TEXT FAULT_TEXT
#define L    FAULT_LOGITS
#define T    FAULT_TARGETS
#define WITH FAULT_WITH

static const struct fault refused[] = {
    {"23", TEXT("{}"), "missing_field", NULL, "logits"},
    {"23", TEXT("{\"targets\":[0]}"), "missing_field", NULL, "log_probabilities"},
    {"23", TEXT("{\"logits\":[1,2]}"), "missing_field", NULL, "targets"},
    {"23", WITH("\"probabilities\":[[1,2]]"), "conflicting_fields", "/probabilities", "\"logits\""},
    {"23", TEXT("{\"log_probabilities\":[1],\"logits\":[1],\"targets\":0}"), "conflicting_fields", "/logits", "\"log_probabilities\""},
    {"23", WITH("\"id\":7"), "wrong_type", "/id", "a number"},
    {"24", WITH("\"lables\":[0]"), "unknown_field", "/lables", "lables"},
    {"24", TEXT("{\"logits\":[1,2],\"targest\":0}"), "unknown_field", "/targest", "\"targets\"?"},
    {"24", WITH("\"Reduction\":\"sum\""), "unknown_field", "/Reduction", "\"reduction\"?"},
    {"24", WITH("\"\":1"), "unknown_field", "/", NULL},
    {"24", WITH("\"a/b~c\":1"), "unknown_field", "/a~1b~0c", NULL},
    {"24", WITH("\"n\":1"), "unknown_field", "/n", NULL},
    {"25", WITH("\"return\":[\"losses\",\"sofmax\"]"), "unknown_value", "/return/1", "\"softmax\""},
    {"25", WITH("\"return\":[\"Softmax\"]"), "unknown_value", "/return/0", "\"softmax\""},
    {"25", WITH("\"return\":[\"\"]"), "unknown_value", "/return/0", NULL},
    {"25", WITH("\"return\":\"softmax\""), "wrong_type", "/return", "a string"},
    {"25", WITH("\"return\":[[\"softmax\"]]"), "wrong_type", "/return/0", "an array"},
    {"25", WITH("\"return\":null"), "wrong_type", "/return", "null"},
    {"26", L("[[1,2],[3]]"), "ragged_array", "/logits/1", "logits[1]"},
    {"26", L("[[1,2],[3,4,5],[6]]"), "ragged_array", "/logits/1", NULL},
    {"26", L("[[[1],[2]],[[3]]]"), "ragged_array", "/logits/1", NULL},
    {"26", L("[[1,2],[]]"), "ragged_array", "/logits/1", NULL},
    {"26", L("[[],[1]]"), "ragged_array", "/logits/1", NULL},
    {"26", L("[[1],null]"), "ragged_array", "/logits/1", "null"},
    {"26", T("[[0],0]"), "ragged_array", "/targets/1", NULL},
    {"26", WITH("\"weights\":[1,[2]]"), "ragged_array", "/weights/1", NULL},
    {"27", L("[1,[2]]"), "ragged_array", "/logits/1", "an array"},
    {"27", L("[[1],2]"), "ragged_array", "/logits/1", "a number"},
    {"27", TEXT("{\"logits\":5,\"targets\":0}"), "invalid_shape", "/logits", NULL},
    {"27", TEXT("{\"probabilities\":0.5,\"targets\":0}"), "invalid_shape", "/probabilities", NULL},
    {"28", L("[[]]"), "target_out_of_range", "/targets/0", "no classes"},
    {"29", T("[0,1]"), "shape_mismatch", "/targets", "[2]"},
    {"29", T("0"), "shape_mismatch", "/targets", "[1, 2]"},
    {"29", T("[[0]]"), "shape_mismatch", "/targets", NULL},
    {"29", T("[]"), "shape_mismatch", "/targets", NULL},
    {"30", WITH("\"ignore_index\":1e19"), "value_out_of_range", "/ignore_index", NULL},
    {"30", WITH("\"ignore_index\":1.5"), "wrong_type", "/ignore_index", NULL},
    {"30", WITH("\"ignore_index\":true"), "wrong_type", "/ignore_index", NULL},
    {"30", T("[2]"), "target_out_of_range", "/targets/0", "2 classes (0..1)"},
    {"30", T("[-1]"), "target_out_of_range", "/targets/0", "-1"},
    {"30", T("[1e300]"), "target_out_of_range", "/targets/0", NULL},
    {"30", T("[9223372036854775807]"), "target_out_of_range", "/targets/0", NULL},
    {"30", T("[9223372036854775808]"), "target_out_of_range", "/targets/0", NULL},
    {"30", T("[-101]"), "target_out_of_range", "/targets/0", NULL},
    {"30", TEXT("{\"logits\":[[1,2],[1,2],[1,2]],\"targets\":[0,1,2]}"), "target_out_of_range", "/targets/2", "targets[2] is 2"},
    {"30", TEXT("{\"logits\":[[[1,2],[1,2]]],\"targets\":[[1,5]]}"), "target_out_of_range", "/targets/0/1", NULL},
    {"30", TEXT("{\"logits\":[[1,2]],\"targets\":[[0,1]],\"ignore_index\":0}"), "value_out_of_range", "/ignore_index", NULL},
    {"32", WITH("\"weights\":[1,1,1]"), "shape_mismatch", "/weights", "[3]"},
    {"32", WITH("\"weights\":[[1,1]]"), "shape_mismatch", "/weights", NULL},
    {"32", WITH("\"weights\":1"), "shape_mismatch", "/weights", NULL},
    {"33", WITH("\"label_smoothing\":\"0.1\""), "wrong_type", "/label_smoothing", "a string"},
    {"33", WITH("\"label_smoothing\":-0.1"), "value_out_of_range", "/label_smoothing", "-0.1"},
    {"33", WITH("\"label_smoothing\":1.0001"), "value_out_of_range", "/label_smoothing", "1.0001"},
    {"34", WITH("\"reduction\":\"Mean\""), "unknown_value", "/reduction", "\"mean\", \"sum\" or \"none\""},
    {"34", WITH("\"reduction\":\"batchmean\""), "unknown_value", "/reduction", "\"mean\""},
    {"34", WITH("\"reduction\":null"), "wrong_type", "/reduction", "null"},
    {"34", WITH("\"reduction\":1"), "wrong_type", "/reduction", "a number"},
    {"34", WITH("\"size_average\":1"), "wrong_type", "/size_average", "a number"},
    {"34", WITH("\"reduce\":\"no\""), "wrong_type", "/reduce", "a string"},
    {"35", TEXT("{\"probabilities\":[[0.5,-0.5]],\"targets\":[0]}"), "value_out_of_range", "/probabilities/0/1", "negative"},
    {"39", WITH("\"dtype\":\"float16\""), "unknown_dtype", "/dtype", "\"float32\" or \"float64\""},
    {"39", WITH("\"dtype\":\"Float32\""), "unknown_dtype", "/dtype", NULL},
    {"39", WITH("\"dtype\":32"), "wrong_type", "/dtype", NULL},
};

static const struct oddity answered[] = {
    {"28", "{\"logits\":[],\"targets\":[]}", "{\"loss\":\"NaN\",\"loss_sum\":0,"},
    {"28", "{\"logits\":[],\"targets\":[],\"reduction\":\"sum\"}", "{\"loss\":0,"},
    {"28", "{\"logits\":[],\"targets\":[],\"reduction\":\"none\"}", "{\"loss\":[],"},
    {"28", "{\"logits\":[[5]],\"targets\":[0]}", "{\"loss\":0,"},
    {"28", "{\"logits\":[[]],\"targets\":[-100],\"reduction\":\"sum\"}", "{\"loss\":0,\"loss_sum\":0,\"weight_sum\":0,\"count\":0,\"ignored\":1,"},
    {"30", "{\"logits\":[[2,1],[1,2]],\"targets\":[7,0],\"ignore_index\":7}", "{\"loss\":1.3132616,"},
    {"31", "{\"logits\":[[2,1]],\"targets\":[-100]}", "{\"loss\":\"NaN\",\"loss_sum\":0,\"weight_sum\":0,\"count\":0,\"ignored\":1,"},
    {"31", "{\"logits\":[[2,1]],\"targets\":[-100],\"reduction\":\"sum\"}", "{\"loss\":0,"},
    {"32", "{\"logits\":[[2,1]],\"targets\":[0],\"weights\":[-2,1],\"reduction\":\"sum\"}", "{\"loss\":-0.6265234,"},
    {"32", "{\"logits\":[[2,1]],\"targets\":[0],\"weights\":[0,0]}", "{\"loss\":\"NaN\",\"loss_sum\":0,\"weight_sum\":0,"},
    {"32", "{\"logits\":[[2,1]],\"targets\":[0],\"weights\":[\"Infinity\",1],\"reduction\":\"sum\"}", "{\"loss\":\"Infinity\","},
    {"33", "{\"logits\":[[2,1]],\"targets\":[0],\"label_smoothing\":1}", "{\"loss\":0.8132617,"},
    {"35", "{\"logits\":[[2,1]],\"targets\":[[2,-1]],\"reduction\":\"sum\"}", "{\"loss\":-0.6867383,"},
    {"35", "{\"probabilities\":[[0.5,0.4]],\"targets\":[0]}", "{\"loss\":0.6931472,"},
    {"37", "{\"logits\":[[1e38,-1e38]],\"targets\":[1]}", "{\"loss\":2e38,"},
    {"38", "{\"logits\":[[3e38,-3e38]],\"targets\":[1]}", "{\"loss\":\"Infinity\","},
    {"38", "{\"logits\":[[1e308,-1e308]],\"targets\":[1],\"dtype\":\"float64\"}", "{\"loss\":\"Infinity\","},
};
/* clang-format on */

static void each_fault_has_its_code_and_place(void **state)
{
    (void)state;
    faults_check(refused, sizeof refused / sizeof refused[0]);
}

static void what_only_looks_wrong_is_answered(void **state)
{
    (void)state;
    oddities_check(answered, sizeof answered / sizeof answered[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_code_and_place),
        cmocka_unit_test(what_only_looks_wrong_is_answered),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
