#!/usr/bin/env python3
"""Make the test cases of the measures and the gradient: measures.json.

Each case is a request body for POST /v1/evaluate and the reply expected to it:

    name      what it is about
    data      a file with further members of the request; absent if there are none
    request   the body, or with `data` what to add to that file
    expected  members of the reply

The expected values follow include/loss/evaluation.h to the letter, from the numbers
as they stand in the request, by mpmath at 50 digits. NumPy, scikit-learn, SciPy,
torchmetrics and PyTorch then compute what they have of them, and a table shows all
side by side. Run it with no arguments, from any folder, and with -B, for no compiled
module is to be left there:

    python3 -B make_measures.py

If a library differs by more than its tolerance, and not for a reason that stands in
measures_libraries.py, the script leaves measures.json alone and exits 1.

Needs these packages from PyPI: scikit-learn (1.7 or later), torch (the CPU is enough),
torchmetrics, scipy and mpmath.
"""

import json
import sys
from pathlib import Path

import mpmath
import numpy as np
import scipy.special

import measures_libraries

HERE = Path(__file__).resolve().parent
STAGES = ("logits", "probabilities", "log_probabilities")
SOFT = ["entropy", "confidence", "gradient"]  # what needs no class indices
ALL = ["accuracy", "top_k_accuracy", "perplexity", "brier", "ece", "per_class",
       "confusion_matrix", *SOFT]
EDGE_DISTANCE = {"confident": 1e-12}  # of a confidence from the edge of a bin


# ---- the requests --------------------------------------------------------------------------

def digits(values, count=6):
    return np.array([float(f"{v:.{count}g}") for v in np.ravel(values)]).reshape(np.shape(values))


def scores(random, targets, classes, scale, lead, right):
    """Logits that favour the target in a share `right` of the rows."""
    logits = random.normal(0.0, scale, (len(targets), classes))
    favoured = np.where(random.random(len(targets)) < right, targets,
                        random.integers(classes, size=len(targets)))
    logits[np.arange(len(targets)), favoured] += lead
    return logits


def thousandths(random, rows, classes):
    """Rows of multiples of 0.001 that add up to 1, with some zeros among them."""
    cuts = np.sort(random.integers(0, 1001, (rows, classes - 1)), axis=1)
    edges = np.hstack([np.zeros((rows, 1), int), cuts, np.full((rows, 1), 1000)])
    return np.diff(edges, axis=1) / 1000


def make_cases():
    def case(name, wants, k, bins, **request):
        request = {key: value.tolist() if isinstance(value, np.ndarray) else value
                   for key, value in request.items()}
        return {"name": name, "request": {"dtype": "float64", **request, "return": wants,
                                          "k": k, "bins": bins}}

    random = np.random.default_rng(20240301)
    cases = [{"data": "digits.json", **case("digits", ALL, 2, 15)}]
    cases += [{"data": "digits.json", **case(f"digits, k {k}, {bins} bins",
                                             ["top_k_accuracy", "ece"], k, bins)}
              for k, bins in ((1, 1), (3, 10), (5, 1000))]

    y = random.integers(7, size=200)
    x = digits(scores(random, y, 7, 1.5, 3.0, 0.8))
    y[random.random(200) < 0.1] = 4  # the ignored ones
    cases.append(case("weighted", ALL, 3, 10, logits=x, targets=y, ignore_index=4,
                      weights=digits(random.uniform(0.2, 3.0, 7), 4), label_smoothing=0.1))

    y = random.integers(20, size=300)
    x = np.round(2.0 * scores(random, y, 20, 5.0, 15.0, 0.85)) / 2.0
    cases.append(case("confident", ALL, 5, 1000, logits=x, targets=y, reduction="sum"))

    y = random.integers(5, size=24)
    x = digits(scores(random, y, 5, 1.0, 2.0, 0.7)).reshape(4, 6, 5).transpose(0, 2, 1)
    y[[3, 17]] = -100
    cases.append(case("positions", ALL, 1, 1, logits=x, targets=y.reshape(4, 6),
                      reduction="none"))

    p = thousandths(random, 60, 4)
    y = np.array([random.choice(np.flatnonzero(row), p=row[row > 0]) for row in p])
    cases.append(case("probabilities", ALL, 2, 15, probabilities=p, targets=y,
                      weights=digits(random.uniform(0.2, 3.0, 4), 4)))

    y = random.integers(5, size=40)
    x = scipy.special.log_softmax(scores(random, y, 5, 1.0, 2.0, 0.7), axis=1)
    cases.append(case("log_probabilities", ALL, 3, 10, log_probabilities=x, targets=y,
                      label_smoothing=0.25))

    cases.append(case("soft targets", SOFT, 1, 1, logits=digits(random.normal(0, 2, (12, 6))),
                      targets=thousandths(random, 12, 6), label_smoothing=0.2,
                      weights=digits(random.uniform(0.2, 3.0, 6), 4)))
    return cases


class Batch:
    """A request with its positions in one row each, in C order."""

    def __init__(self, case):
        self.name = case["name"]
        data = json.loads((HERE / case["data"]).read_text()) if "data" in case else {}
        self.request = {**data, **case["request"]}
        self.stage = next(stage for stage in STAGES if stage in self.request)
        x, y = np.array(self.request[self.stage]), np.array(self.request["targets"])
        self.shape, self.is_soft = x.shape, x.shape == y.shape
        self.x = self.rows(x)
        self.y = self.rows(y) if self.is_soft else y.ravel()
        self.classes = self.x.shape[1]
        self.w = np.array(self.request.get("weights", [1.0] * self.classes))
        self.e = self.request.get("label_smoothing", 0.0)
        self.ignored = self.request.get("ignore_index", -100)
        self.counts = np.full(len(self.x), True) if self.is_soft else self.y != self.ignored
        self.reduction = self.request.get("reduction", "mean")

    def rows(self, values):
        return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])

    def unrows(self, values):
        """Back to the shape of the predictions."""
        shape = (self.shape[0], *self.shape[2:], self.classes)
        return np.moveaxis(np.reshape(values, shape), -1, 1)


# ---- the definitions, at 50 digits -----------------------------------------------------------

def probabilities(stage, row):
    """p and log p of a row."""
    row = [mpmath.mpf(x) for x in row]
    if stage == "probabilities":
        return row, [mpmath.log(x) if x else mpmath.ninf for x in row]
    if stage == "log_probabilities":
        return [mpmath.exp(x) for x in row], row
    total = mpmath.log(mpmath.fsum(map(mpmath.exp, row)))
    return [mpmath.exp(x - total) for x in row], [x - total for x in row]


def bin_of(batch, confidence, bins):
    for edge in range(1, bins):
        distance = abs(confidence - mpmath.mpf(edge) / bins)
        assert distance > EDGE_DISTANCE.get(batch.name, 1e-7), (batch.name, confidence)
    b = int(mpmath.ceil(confidence * bins)) - 1
    return min(max(b, 0), bins - 1)


def loss_and_gradient(batch, target, p, lp):
    """The loss of a position and what it is differentiated by each prediction, by its factors
    a_c, L = sum_c a_c (-lp_c)."""
    w, e = [mpmath.mpf(x) for x in batch.w], mpmath.mpf(batch.e)
    if batch.is_soft:
        a = [w_c * ((1 - e) * mpmath.mpf(q) + e / batch.classes) for w_c, q in zip(w, target)]
    else:
        a = [e / batch.classes * w_c + ((1 - e) * w_c if c == target else 0)
             for c, w_c in enumerate(w)]
    loss = mpmath.fsum(-a_c * lp_c for a_c, lp_c in zip(a, lp) if a_c)
    if batch.stage == "logits":
        return loss, [mpmath.fsum(a) * p_c - a_c for a_c, p_c in zip(a, p)]
    if batch.stage == "log_probabilities":
        return loss, [-a_c for a_c in a]
    return loss, [-a_c / p_c if a_c else mpmath.mpf(0) for a_c, p_c in zip(a, p)]


def by_definition(batch):
    """All members of the reply, as mpmath's numbers in flat lists."""
    k, bins = batch.request["k"], batch.request["bins"]
    classes, counted = range(batch.classes), int(batch.counts.sum())
    losses, gradient, picked, entropy, confidence, brier = [], [], [], [], [], []
    correct = ranked = 0
    matrix = [[0] * batch.classes for _ in classes]
    class_loss = [mpmath.mpf(0)] * batch.classes
    binned = [[] for _ in range(bins)]
    for r, row in enumerate(batch.x):
        if not batch.counts[r]:
            losses.append(mpmath.mpf(0))
            gradient.append([mpmath.mpf(0)] * batch.classes)
            continue
        p, lp = probabilities(batch.stage, row)
        loss, slope = loss_and_gradient(batch, batch.y[r], p, lp)
        losses.append(loss)
        gradient.append(slope)
        entropy.append(-mpmath.fsum(a * b for a, b in zip(p, lp) if a))
        confidence.append(max(p))
        if batch.is_soft:
            continue
        y, prediction = int(batch.y[r]), int(np.argmax(row))
        correct += prediction == y
        rank = sum(bool(row[j] > row[y] or (j < y and row[j] == row[y])) for j in classes)
        ranked += rank < k
        picked.append(-lp[y])
        brier.append(mpmath.fsum((p[c] - (c == y)) ** 2 for c in classes))
        matrix[y][prediction] += 1
        class_loss[y] += loss
        binned[bin_of(batch, max(p), bins)].append((max(p), prediction == y))

    def mean(values):
        return mpmath.fsum(values) / len(values)

    weight = [sum(matrix[c]) * mpmath.mpf(batch.w[c]) for c in classes]
    loss_sum = mpmath.fsum(losses)
    weight_sum = mpmath.mpf(counted) if batch.is_soft else mpmath.fsum(weight)
    scale = weight_sum if batch.reduction == "mean" else 1
    answer = {"loss": losses if batch.reduction == "none" else loss_sum / scale,
              "loss_sum": loss_sum, "weight_sum": weight_sum, "count": counted,
              "ignored": len(batch.x) - counted, "classes": batch.classes,
              "entropy": mean(entropy), "confidence": mean(confidence),
              "gradient": [[g / scale for g in row] for row in gradient]}
    if batch.is_soft:
        return answer
    count = [len(b) for b in binned]
    bin_confidence = [mean([c for c, _ in b]) if b else mpmath.nan for b in binned]
    bin_accuracy = [mpmath.mpf(sum(a for _, a in b)) / len(b) if b else mpmath.nan
                    for b in binned]
    return {**answer, "correct": correct,
            "accuracy": mpmath.mpf(correct) / counted,
            "top_k_accuracy": mpmath.mpf(ranked) / counted,
            "perplexity": mpmath.exp(mean(picked)), "brier": mean(brier),
            "ece": mpmath.fsum(mpmath.mpf(n) / counted * abs(a - c) for n, a, c
                               in zip(count, bin_accuracy, bin_confidence) if n),
            "ece_bins": {"count": count, "confidence": bin_confidence,
                         "accuracy": bin_accuracy},
            "per_class": {"loss_sum": class_loss, "weight": weight,
                          "count": [sum(row) for row in matrix],
                          "correct": [matrix[c][c] for c in classes]},
            "confusion_matrix": matrix}


# ---- the file --------------------------------------------------------------------------------

def written(value, count=17):
    """JSON's form of a value: numbers rounded to `count` digits, NaN as a string."""
    if isinstance(value, dict):
        return {key: written(v, 11 if key == "gradient" else count) for key, v in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [written(v, count) for v in value]
    if isinstance(value, int):
        return value
    if mpmath.isnan(value):
        return "NaN"
    number = float(f"{float(value):.{count}g}")
    return int(number) if number == int(number) and abs(number) < 1e6 else number


def main():
    mpmath.mp.dps = 50
    measures_libraries.start()
    cases, bad = make_cases(), []
    for case in cases:
        batch = Batch(case)
        truth = by_definition(batch)
        bad += measures_libraries.compare(batch, truth)
        if "gradient" in batch.request["return"]:
            truth["gradient"] = batch.unrows(np.array(truth["gradient"], dtype=object))
        if batch.reduction == "none":
            truth["loss"] = np.reshape(np.array(truth["loss"], dtype=object),
                                       (batch.shape[0], *batch.shape[2:]))
        wanted = {"loss", "loss_sum", "weight_sum", "count", "ignored", "correct", "classes",
                  *batch.request["return"]}
        wanted |= {"ece_bins"} if "ece" in wanted else set()
        case["expected"] = written({name: value for name, value in truth.items()
                                    if name in wanted})
    if bad:
        sys.exit("make_measures.py: they disagree:\n  " + "\n  ".join(bad))
    text = json.dumps(cases, separators=(",", ":"))
    text = text.replace("],[", "],\n[").replace('"expected":', '\n"expected":')
    (HERE / "measures.json").write_text(text.replace('{"name":', '\n{"name":') + "\n")


if __name__ == "__main__":
    main()
