/* test_measure_edges.c - measures and gradients where rules decide, against values by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "codec/envelope.h"
#include "support/replies.h"

static const struct codec_limits limits = {.elements_max = 100000,
                                           .envelope_bytes_max = 65536,
                                           .json_depth_max = 32,
                                           .confusion_classes_max = 20};

struct by_hand {
    const char *request, *reply; /* members of them; float64 */
};

static void check_by_hand(const struct by_hand *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[REPLY_TEXT_BYTES], body[REPLY_TEXT_BYTES], whole[REPLY_TEXT_BYTES];
        struct loss_error error;
        char name[32];
        json_t *reply, *want;

        (void)snprintf(whole, sizeof whole, "{'dtype':'float64',%s}", rows[i].request);
        (void)snprintf(name, sizeof name, "row %zu", i);
        reply = reply_to(reply_unquoted(whole, body), &limits, &error);
        if (reply == NULL)
            fail_msg("%s: %s", name, error.sentence);
        (void)snprintf(whole, sizeof whole, "{%s}", rows[i].reply);
        want = json_loads(reply_unquoted(whole, text), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(want);
        reply_check(name, reply, want);
        reply_check_sums(name, reply);
        json_decref(want);
        json_decref(reply);
    }
}

#define ALL                                                                              \
    "'return':['accuracy','top_k_accuracy','perplexity','entropy','confidence','brier'," \
    "'ece','per_class','confusion_matrix']"
#define FIVE "'NaN','NaN','NaN','NaN','NaN'"
#define LN2  "0.6931471805599453"
#define LN3  "1.0986122886681098"

static const struct by_hand measures[] = {
    /* p = 1/3 everywhere; the prediction is 0, the ranks of the targets are 0, 1, 2; brier is
     * (2/3)^2 + 2 (1/3)^2. */
    {"'logits':[[1,1,1],[1,1,1],[1,1,1]],'targets':[0,1,2],'k':2," ALL,
     "'accuracy':0.3333333333333333,'top_k_accuracy':0.6666666666666666,'perplexity':3,"
     "'entropy':" LN3 ",'confidence':0.3333333333333333,'brier':0.6666666666666666,"
     "'per_class':{'loss_sum':[" LN3 "," LN3 "," LN3 "],'weight':[1,1,1],'count':[1,1,1],"
     "'correct':[1,0,0]},'confusion_matrix':[[1,0,0],[1,0,0],[1,0,0]]"},
    /* Equal scores before the target count, those behind it do not: rank 2, of 5. */
    {"'logits':[[7,3,9,7,7]],'targets':[3],'k':2," ALL, "'top_k_accuracy':0"},
    {"'logits':[[7,3,9,7,7]],'targets':[3],'k':3," ALL, "'top_k_accuracy':1"},
    {"'logits':[[0,1],[0,1]],'targets':[0,0],'k':3," ALL, "'accuracy':0,'top_k_accuracy':1"},
    {"'logits':[[0,1]],'targets':[0],'k':9223372036854775807," ALL, "'top_k_accuracy':1"},
    /* NaN are equal to each other and larger than numbers: the first target has rank 1, the others
     * 0 and 1. */
    {"'logits':[['NaN',1,'NaN'],['NaN',1,0],['NaN',1,0]],'targets':[2,0,1],'k':1," ALL,
     "'accuracy':0.3333333333333333,'top_k_accuracy':0.3333333333333333"},
    /* One row without a batch. */
    {"'logits':[0,0],'targets':1,'bins':1," ALL,
     "'accuracy':0,'perplexity':2,'entropy':" LN2 ",'confidence':0.5,'brier':0.5,'ece':0.5,"
     "'ece_bins':{'count':[1],'confidence':[0.5],'accuracy':[0]},"
     "'confusion_matrix':[[0,0],[1,0]]"},
    /* Nothing counts. */
    {"'logits':[[0,1],[0,1]],'targets':[-100,-100],'bins':2," ALL,
     "'accuracy':'NaN','top_k_accuracy':'NaN','perplexity':'NaN','entropy':'NaN',"
     "'confidence':'NaN','brier':'NaN','ece':'NaN','ece_bins':{'count':[0,0],"
     "'confidence':['NaN','NaN'],'accuracy':['NaN','NaN']},'per_class':{'loss_sum':[0,0],"
     "'weight':[0,0],'count':[0,0],'correct':[0,0]},'confusion_matrix':[[0,0],[0,0]]"},
    {"'logits':[],'targets':[],'bins':1," ALL,
     "'accuracy':'NaN','ece':'NaN','ece_bins':{'count':[0],'confidence':['NaN'],"
     "'accuracy':['NaN']},'per_class':{'loss_sum':[],'weight':[],'count':[],'correct':[]},"
     "'confusion_matrix':[]"},
    /* An ignored row is not looked at. */
    {"'logits':[['NaN',1],[0,0]],'targets':[-100,0],'bins':1," ALL,
     "'accuracy':1,'perplexity':2,'entropy':" LN2 ",'confidence':0.5,'brier':0.5,'ece':0.5,"
     "'per_class':{'loss_sum':[" LN2 ",0],'weight':[1,0],'count':[1,0],'correct':[1,0]},"
     "'confusion_matrix':[[1,0],[0,0]]"},
    /* 0.5 is the edge, and belongs below it; 0 to the first bin, 1.5 to the last:
     * 2/4 |1 - 0.25| + 2/4 |0.5 - 1.125|. */
    {"'probabilities':[[0.5,0.5],[0.25,0.75],[0,0],[1.5,0]],'targets':[0,1,0,1],'bins':2," ALL,
     "'ece':0.6875,'ece_bins':{'count':[2,2],'confidence':[0.25,1.125],'accuracy':[1,0.5]}"},
    /* 0.05 is the double nearest to 1/20, 0.85 that to 17/20, on one side and the other; the next
     * double is above. (0.95 + 0.15 + 0.15) / 3; empty bins have no mean. */
    {"'probabilities':[[0.05,0],[0.85,0],[0.8500000000000001,0]],'targets':[0,0,0],'bins':"
     "20," ALL,
     "'ece':0.4166666666666667,'ece_bins':{'count':[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,0,0],"
     "'confidence':[0.05," FIVE "," FIVE "," FIVE ",0.85,0.8500000000000001,'NaN','NaN'],"
     "'accuracy':[1," FIVE "," FIVE "," FIVE ",1,1,'NaN','NaN']}"},
    /* A NaN is the largest prediction and spoils the means, but lies in no bin; the other row
     * has p = 1 / (1 + e^-3) and a loss of log1p(e^-3). */
    {"'logits':[['NaN',0],[0,3]],'targets':[0,1],'bins':2," ALL,
     "'accuracy':1,'perplexity':'NaN','entropy':'NaN','confidence':'NaN','brier':'NaN',"
     "'ece':'NaN','ece_bins':{'count':[0,1],'confidence':['NaN',0.9525741268224334],"
     "'accuracy':['NaN',1]},'per_class':{'loss_sum':['NaN',0.04858735157374206],"
     "'weight':[1,1],'count':[1,1],'correct':[1,1]},'confusion_matrix':[[1,0],[0,1]]"},
    /* L_0 = (0.5 1 + 0.5/2 (1 + 3)) ln 2, L_1 = (0.5 3 + 0.5/2 (1 + 3)) ln 2, the latter twice;
     * perplexity and brier know neither weights nor smoothing. */
    {"'logits':[[0,0],[0,0],[0,0]],'targets':[0,1,1],'weights':[1,3],"
     "'label_smoothing':0.5," ALL,
     "'loss_sum':4.505456673639644,'weight_sum':7,'loss':0.6436366676628064,'perplexity':2,"
     "'brier':0.5,'per_class':{'loss_sum':[1.0397207708399179,3.4657359027997265],"
     "'weight':[1,6],'count':[1,2],'correct':[1,0]}"},
    /* One-hot rows: no entropy, and a miss costs (1-0)^2 + (0-1)^2. */
    {"'log_probabilities':[['-Infinity',0],[0,'-Infinity']],'targets':[1,1]," ALL,
     "'accuracy':0.5,'perplexity':'Infinity','entropy':0,'confidence':1,'brier':1,'ece':0.5"},
    {"'logits':[[0,'-Infinity'],['-Infinity',0]],'targets':[0,1]," ALL,
     "'accuracy':1,'perplexity':1,'entropy':0,'confidence':1,'brier':0,'ece':0"},
    {"'probabilities':[[1,0],[0,1]],'targets':[0,0]," ALL,
     "'accuracy':0.5,'perplexity':'Infinity','entropy':0,'confidence':1,'brier':1"},
    /* brier: 0.25 + 0.0625 + 0.0625, and 1 + 1; entropy: 1.5 ln 2, and 0. */
    {"'probabilities':[[0.5,0.25,0.25],[0,1,0]],'targets':[0,2]," ALL,
     "'brier':1.1875,'entropy':0.5198603854199589,'confidence':0.75"},
};

static void measures_are_as_by_hand(void **state)
{
    (void)state;
    check_by_hand(measures, sizeof measures / sizeof measures[0]);
}

static void gradients_are_as_by_hand(void **state)
{
#define GRADIENT ",'return':['gradient']"
    static const struct by_hand rows[] = {
        /* p - [c = y]; the mean divides by the weights again. */
        {"'logits':[[0,0]],'targets':[1],'weights':[1,3]" GRADIENT, "'gradient':[[0.5,-0.5]]"},
        {"'logits':[[0,0]],'targets':[1],'weights':[1,3],'reduction':'sum'" GRADIENT,
         "'gradient':[[1.5,-1.5]]"},
        {"'logits':[[0,0],[0,0]],'targets':[1,-100]" GRADIENT, "'gradient':[[0.5,-0.5],[0,0]]"},
        {"'logits':[[[0,0],[0,0]]],'targets':[[0,1]],'reduction':'none'" GRADIENT,
         "'gradient':[[[-0.5,0.5],[0.5,-0.5]]]"},
        /* Nothing counts: the mean is NaN, its gradient 0, as in PyTorch. */
        {"'logits':[[0,1],[2,0]],'targets':[-100,-100]" GRADIENT,
         "'loss':'NaN','gradient':[[0,0],[0,0]]"},
        /* e^-40, which 1 - p loses. */
        {"'logits':[40,0],'targets':0" GRADIENT,
         "'gradient':[-4.248354255291589e-18,4.248354255291589e-18]"},
        {"'logits':[40,0],'targets':[1,0]" GRADIENT,
         "'gradient':[-4.248354255291589e-18,4.248354255291589e-18]"},
        /* a = w q = (0.25, 1.5): (sum a) p - a. */
        {"'logits':[[0,0]],'targets':[[0.25,0.75]],'weights':[1,2]" GRADIENT,
         "'gradient':[[0.625,-0.625]]"},
        /* -w_y / p_y, and nothing elsewhere, where the loss does not depend on p. */
        {"'probabilities':[[0.25,0.75],[0,1]],'targets':[0,1],'reduction':'sum'" GRADIENT,
         "'gradient':[[-4,0],[0,-1]]"},
        {"'log_probabilities':[[-1,-2],[-3,-4]],'targets':[1,0],'weights':[1,3]" GRADIENT,
         "'gradient':[[0,-0.75],[-0.25,0]]"},
        /* Divided by weights that add up to 0, where there is something to divide. */
        {"'log_probabilities':[[0.25,0.5,0.25]],'targets':[2],'weights':[1,1,0]" GRADIENT,
         "'gradient':[[0,0,'NaN']]"},
    };

    (void)state;
    check_by_hand(rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_are_as_by_hand),
        cmocka_unit_test(gradients_are_as_by_hand),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
