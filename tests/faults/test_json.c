/* test_json.c - faults of the text of a body: rows 1 to 22. */
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
#define BRACKETS_15   "[[[[[[[[[[[[[[["

static const struct fault refused[] = {
    {"1", TEXT(""), "empty_body", NULL, NULL},
    {"2", TEXT(" \t\r\n "), "empty_body", NULL, NULL},
    {"3", TEXT("{\"logits\":[[1,^"), "invalid_json", NULL, "end of the body"},
    {"3", TEXT("{^"), "invalid_json", NULL, NULL},
    {"3", TEXT("{\"logits^"), "invalid_json", NULL, NULL},
    {"3", TEXT("{\"logits\"^"), "invalid_json", NULL, "':'"},
    {"3", TEXT("{\"logits\":^"), "invalid_json", NULL, NULL},
    {"3", TEXT("{\"logits\":[[1,2]]^"), "invalid_json", NULL, NULL},
    {"4", TEXT("{}^x"), "trailing_data", NULL, NULL},
    {"4", TEXT("{\"logits\":[1,2],\"targets\":0} ^{}"), "trailing_data", NULL, NULL},
    {"4", TEXT("{\"logits\":[1,2],\"targets\":0}^}"), "trailing_data", NULL, NULL},
    {"5", TEXT("{\"logits\":[1,2],\"targets\":0,^}"), "invalid_json", NULL, NULL},
    {"5", L("[[1,2,^]]"), "invalid_json", NULL, NULL},
    {"5", L("[[1,2],^]"), "invalid_json", NULL, NULL},
    {"5", L("[[1,2^}"), "invalid_json", NULL, NULL},
    {"5", L("[^,1]"), "invalid_json", NULL, NULL},
    {"5", L("[1 ^2]"), "invalid_json", NULL, NULL},
    {"5", TEXT("{^,}"), "invalid_json", NULL, NULL},
    {"5", TEXT("{^/* x */\"logits\":[1]}"), "invalid_json", NULL, NULL},
    {"5", L("[1,^// x\n2]"), "invalid_json", NULL, NULL},
    {"5", TEXT("{^'logits':[1,2]}"), "invalid_json", NULL, NULL},
    {"5", TEXT("{^logits:[1,2]}"), "invalid_json", NULL, NULL},
    {"5", TEXT("{\"logits\" ^[1,2]}"), "invalid_json", NULL, NULL},
    {"5", TEXT("[1^"), "invalid_json", NULL, NULL},
    {"5", TEXT("^nul"), "invalid_json", NULL, NULL},
    {"5", TEXT("^NaN"), "invalid_json", NULL, NULL},
    {"6", TEXT("^[1]"), "expected_object", NULL, "an array"},
    {"6", TEXT("^\"x\""), "expected_object", NULL, "a string"},
    {"6", TEXT("^3.5"), "expected_object", NULL, "a number"},
    {"6", TEXT("^null"), "expected_object", NULL, "null"},
    {"6", TEXT("^true"), "expected_object", NULL, "a boolean"},
    {"6", TEXT("[1e999]"), "expected_object", "0", "an array"},
    {"6", TEXT("[NaN]"), "expected_object", "0", NULL},
    {"7", TEXT("{\"logits\":[1,2],\"logits\":[1,2],\"targets\":0}"), "duplicate_key", "/logits", "logits"},
    {"7", TEXT("{\"logits\":[1,2],\"l\\u006fgits\":[1,2]}"), "duplicate_key", "/logits", "logits"},
    {"7", T("[0],\"targets\":[0]"), "duplicate_key", "/targets", "targets"},
    {"7", WITH("\"weights\":[1,1],\"weights\":[1,1]"), "duplicate_key", "/weights", NULL},
    {"7", WITH("\"reduction\":\"sum\",\"reduction\":\"sum\""), "duplicate_key", "/reduction", NULL},
    {"7", WITH("\"dtype\":\"float32\",\"\\u0064type\":\"float32\""), "duplicate_key", "/dtype", NULL},
    {"7", WITH("\"id\":{\"a\":1,\"\\u0061\":2}"), "duplicate_key", "/id", "a"},
    {"7", WITH("\"return\":[{\"a\":{\"b\":1,\"b\":2}}]"), "duplicate_key", "/return", "b"},
    {"7", WITH("\"ignore_index\":1e3,\"return\":[\"losses\"],\"targets\":[9]"), "duplicate_key", "/targets", NULL},
    {"8a", WITH("\"label_smoothing\":NaN"), "non_finite_not_allowed", "/label_smoothing", NULL},
    {"8a", WITH("\"label_smoothing\":\"NaN\""), "non_finite_not_allowed", "/label_smoothing", NULL},
    {"8a", WITH("\"label_smoothing\":-Infinity"), "non_finite_not_allowed", "/label_smoothing", NULL},
    {"8a", WITH("\"ignore_index\":Infinity"), "non_finite_not_allowed", "/ignore_index", NULL},
    {"8a", WITH("\"ignore_index\":\"-Infinity\""), "non_finite_not_allowed", "/ignore_index", NULL},
    {"8a", WITH("\"id\":NaN"), "non_finite_not_allowed", "/id", NULL},
    {"8a", WITH("\"return\":[Infinity]"), "non_finite_not_allowed", "/return", NULL},
    {"8b", L("[[^nan,1]]"), "invalid_json", NULL, NULL},
    {"8b", L("[[^inf,1]]"), "invalid_json", NULL, NULL},
    {"8b", L("[[^+Infinity,1]]"), "invalid_json", NULL, NULL},
    {"8b", L("[[NaN^x,1]]"), "invalid_json", NULL, NULL},
    {"8b", L("[[-^NaN,1]]"), "invalid_json", NULL, NULL},
    {"8b", L("[[\"nan\",1]]"), "wrong_type", "/logits/0/0", "a string"},
    {"8b", L("[[1,\"1.5\"]]"), "wrong_type", "/logits/0/1", "a string"},
    {"8b", L("[[1,\"NaN \"]]"), "wrong_type", "/logits/0/1", "a string"},
    {"8b", L("[[1,2],[null,1]]"), "wrong_type", "/logits/1/0", "null"},
    {"8b", L("[[1,true]]"), "wrong_type", "/logits/0/1", "a boolean"},
    {"8b", L("[[1,{\"a\":1}]]"), "wrong_type", "/logits/0/1", "an object"},
    {"8b", L("{\"a\":1}"), "wrong_type", "/logits", "an object"},
    {"8b", L("\"1\""), "wrong_type", "/logits", "a string"},
    {"8b", L("null"), "wrong_type", "/logits", "null"},
    {"8b", WITH("\"weights\":[1,\"x\"]"), "wrong_type", "/weights/1", NULL},
    {"8b", WITH("\"weights\":null"), "wrong_type", "/weights", NULL},
    {"8b", T("[[1,\"x\"]]"), "wrong_type", "/targets/0/1", NULL},
    {"9", L("[[1,1e999]]"), "number_out_of_range", "/logits/0/1", NULL},
    {"9", L("[[-1e999,1]]"), "number_out_of_range", "/logits/0/0", NULL},
    {"9", WITH("\"weights\":[1,1e400],\"dtype\":\"float64\""), "number_out_of_range", "/weights/1", NULL},
    {"9", T("[[1,1e999]]"), "number_out_of_range", "/targets/0/1", NULL},
    {"9", WITH("\"label_smoothing\":1e999"), "number_out_of_range", "/label_smoothing", NULL},
    {"9", WITH("\"ignore_index\":9223372036854775808"), "number_out_of_range", "/ignore_index", NULL},
    {"11", L("[[1,1e39]]"), "number_out_of_range", "/logits/0/1", "float64"},
    {"11", L("[[1,-3.4028235677973367e38]]"), "number_out_of_range", "/logits/0/1", NULL},
    {"11", WITH("\"weights\":[1e39,1]"), "number_out_of_range", "/weights/0", NULL},
    {"11", T("[[1e39,1]]"), "number_out_of_range", "/targets/0/0", NULL},
    {"13", L("[[0^1,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[^+1,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[^.5,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[1.^,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[0^x1,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[1e^,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[1e+^,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[-^-1,1]]"), "invalid_json", NULL, NULL},
    {"13", L("[[-^,1]]"), "invalid_json", NULL, NULL},
    {"13", WITH("\"label_smoothing\":^.5"), "invalid_json", NULL, NULL},
    {"13", WITH("\"label_smoothing\":0^1"), "invalid_json", NULL, NULL},
    {"16", T("[1.5]"), "target_not_integer", "/targets/0", "1.5"},
    {"16", T("[\"1\"]"), "target_not_integer", "/targets/0", NULL},
    {"16", T("[true]"), "target_not_integer", "/targets/0", "true"},
    {"16", T("[null]"), "target_not_integer", "/targets/0", "null"},
    {"16", T("[NaN]"), "target_not_integer", "/targets/0", "NaN"},
    {"16", T("[\"Infinity\"]"), "target_not_integer", "/targets/0", NULL},
    {"16", TEXT("{\"logits\":[1,2],\"targets\":0.5}"), "target_not_integer", "/targets", "0.5"},
    {"16", TEXT("{\"logits\":[1,2],\"targets\":\"0\"}"), "target_not_integer", "/targets", NULL},
    {"17", TEXT("{\"logits\":" BRACKETS_15 BRACKETS_15 "[^[1]]}"), "too_deep", NULL, "32"},
    {"17", WITH("\"id\":" BRACKETS_15 BRACKETS_15 "[^[1]]"), "too_deep", NULL, "32"},
    {"19", WITH("\"id\":\"a^\xff\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\xc0\xaf\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\xed\xa0\x80\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\xf4\x90\x80\x80\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\xe2\x82\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\\ud800\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\\ud800\\u0041\""), "invalid_utf8", NULL, NULL},
    {"19", WITH("\"id\":\"^\\udc00\""), "invalid_utf8", NULL, NULL},
    {"19", TEXT("{\"^\xff\":1}"), "invalid_utf8", NULL, NULL},
    {"19", L("[[\"^\xff\",1]]"), "invalid_utf8", NULL, NULL},
    {"20", TEXT("^\xef\xbb\xbf{\"logits\":[1,2],\"targets\":0}"), "invalid_json", NULL, NULL},
    {"20", TEXT("^\xff\xfe{\0\"\0"), "invalid_json", NULL, NULL},
    {"20", TEXT("{^\0\"\0l\0"), "invalid_json", NULL, NULL},
    {"21", TEXT("^\0{}"), "invalid_json", NULL, NULL},
    {"21", TEXT("{\"logits\":^\0[1,2],\"targets\":0}"), "invalid_json", NULL, NULL},
    {"21", L("[1^\0,2]"), "invalid_json", NULL, NULL},
    {"21", WITH("\"id\":\"a^\0b\""), "invalid_json", NULL, NULL},
    {"21", WITH("\"id\":\"a^\nb\""), "invalid_json", NULL, NULL},
    {"21", WITH("\"id\":\"a^\\x\""), "invalid_json", NULL, NULL},
    {"21", WITH("\"id\":\"^\\u0000\""), "invalid_json", NULL, NULL},
    {"21", TEXT("{\"logits^\\u0000\":[1]}"), "invalid_json", NULL, NULL},
    {"21", TEXT("{\"logits\":[1,2],\"targets\":0}^\0"), "trailing_data", NULL, NULL},
};

static const struct oddity answered[] = {
    {"8", "{\"logits\":[[0,-Infinity]],\"targets\":[0]}", "{\"loss\":0,"},
    {"8", "{\"logits\":[[0,\"-Infinity\"]],\"targets\":[1]}", "{\"loss\":\"Infinity\","},
    {"8", "{\"logits\":[[0,NaN]],\"targets\":[0]}", "{\"loss\":\"NaN\","},
    {"8", "{\"logits\":[[0,\"Infinity\"]],\"targets\":[1]}", "{\"loss\":\"NaN\","},
    {"8", "{\"logits\":[[2,1]],\"targets\":[[0,NaN]]}", "{\"loss\":\"NaN\","},
    {"8", "{\"logits\":[[2,1]],\"targets\":[0],\"weights\":[1,Infinity]}", "{\"loss\":0.3132617,"},
    {"10", "{\"logits\":[[1e-999,-1e-999]],\"targets\":[0],\"dtype\":\"float64\"}", "{\"loss\":0.6931471805599453,"},
    {"10", "{\"log_probabilities\":[[1e-45,0]],\"targets\":[0]}", "{\"loss\":-1e-45,"},
    {"10", "{\"log_probabilities\":[[5e-324,0]],\"targets\":[0],\"dtype\":\"float64\"}", "{\"loss\":-5e-324,"},
    {"10", "{\"log_probabilities\":[[2e-324,0]],\"targets\":[0],\"dtype\":\"float64\"}", "{\"loss\":0,"},
    {"11", "{\"logits\":[[3.4028235e38,0]],\"targets\":[1]}", "{\"loss\":3.4028235e38,"},
    {"11", "{\"logits\":[[3.402823567797336e38,0]],\"targets\":[1]}", "{\"loss\":3.4028235e38,"},
    {"11", "{\"logits\":[[1e39,0]],\"targets\":[1],\"dtype\":\"float64\"}", "{\"loss\":1e39,"},
    {"15", "{\"logits\":[[18446744073709551616,0]],\"targets\":[1],\"dtype\":\"float64\"}", "{\"loss\":1.8446744073709552e19,"},
    {"15", "{\"logits\":[[9007199254740993,0]],\"targets\":[1],\"dtype\":\"float64\"}", "{\"loss\":9007199254740992,"},
    {"16", "{\"logits\":[[2,1]],\"targets\":[0.0]}", "{\"loss\":0.3132617,"},
    {"16", "{\"logits\":[[2,1]],\"targets\":[1e0]}", "{\"loss\":1.3132616,"},
    {"16", "{\"logits\":[[2,1]],\"targets\":[10e-1]}", "{\"loss\":1.3132616,"},
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
