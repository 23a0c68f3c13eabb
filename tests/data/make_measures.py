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
side by side. Run it with no arguments, from any folder:

    python3 make_measures.py

If a library differs by more than its tolerance, and not for a reason below, the
script leaves measures.json alone and exits 1. Where they differ:

* ECE. torchmetrics closes its bins on the left, [b/M, (b+1)/M), with a bin of its
  own for a confidence of 1, and rounds confidences to float32: so about 6 digits can
  agree, and a confidence of 0.49999999 or 0.9999999999 changes its bin. There are such
  in `confident` alone, where the score happens to stay the same within the tolerance;
  everywhere else the confidences are 1e-7 or more off an edge.
* Top-k accuracy. Among equal scores scikit-learn takes the highest index first,
  torch.topk whichever; the header takes the lowest. Matters in `confident` alone.
* Brier score. scikit-learn's is the sum over classes with scale_by_half=False.
* Gradient. PyTorch computes p_y - 1, which cancels for confident predictions: its
  elements are compared in units of the largest of all.
  At a probability of 0 it gives NaN (0 / 0) where the loss does not depend on it.
* Perplexity. torchmetrics and scikit-learn normalise the probabilities, so those of
  the cases here add up to 1; scikit-learn's is exp(log_loss), which clips at 2.2e-16.

Needs these packages from PyPI: scikit-learn (1.7 or later), torch (the CPU is enough),
torchmetrics, scipy and mpmath.
"""

import json
import sys
import warnings
from pathlib import Path

import mpmath
import numpy as np
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
import torch.nn.functional as F
from torchmetrics.classification import (MulticlassAccuracy, MulticlassCalibrationError,
                                         MulticlassConfusionMatrix)
from torchmetrics.text import Perplexity

HERE = Path(__file__).resolve().parent
STAGES = ("logits", "probabilities", "log_probabilities")
SOFT = ["entropy", "confidence", "gradient"]  # what needs no class indices
ALL = ["accuracy", "top_k_accuracy", "perplexity", "brier", "ece", "per_class",
       "confusion_matrix", *SOFT]
EDGE_DISTANCE = {"confident": 1e-12}  # of a confidence from the edge of a bin
KNOWN = {("confident", "top_k_accuracy", "scikit-learn"),
         ("confident", "top_k_accuracy", "torchmetrics")}


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


# ---- the libraries ---------------------------------------------------------------------------

def by_numpy(batch):
    """The same in float64, by other ways where there are some."""
    x, y = batch.x[batch.counts], batch.y[batch.counts]
    p = {"logits": lambda: scipy.special.softmax(x, axis=1), "probabilities": lambda: x,
         "log_probabilities": lambda: np.exp(x)}[batch.stage]()
    confidence = p.max(axis=1)
    answer = {"entropy": scipy.special.entr(p).sum(axis=1).mean(),
              "confidence": confidence.mean()}
    if batch.is_soft:
        return p, answer
    bins, hits = batch.request["bins"], x.argmax(axis=1) == y
    own, each = p[np.arange(len(y)), y], np.eye(batch.classes)[y]
    order = np.argsort(-x, axis=1, kind="stable")[:, :batch.request["k"]]
    where = np.digitize(confidence, np.arange(1, bins) / bins, right=True)
    n = np.bincount(where, minlength=bins)
    gaps = np.bincount(where, hits - confidence, minlength=bins)
    return p, {**answer, "accuracy": hits.mean(),
               "top_k_accuracy": (order == y[:, None]).any(axis=1).mean(),
               "perplexity": np.exp(-np.log(own).mean()),
               "brier": ((p - each) ** 2).sum(axis=1).mean(),
               "ece": np.abs(gaps).sum() / n.sum(), "ece_bins.count": n,
               "confusion_matrix": np.histogram2d(
                   y, x.argmax(axis=1), bins=np.arange(batch.classes + 1))[0]}


def by_scikit_learn(batch, p):
    x, y = batch.x[batch.counts], batch.y[batch.counts]
    answer = {"entropy": scipy.stats.entropy(p, axis=1).mean()}  # SciPy's
    if batch.is_soft:
        return answer
    labels = np.arange(batch.classes)
    return {**answer, "accuracy": sklearn.metrics.accuracy_score(y, x.argmax(axis=1)),
            "top_k_accuracy": sklearn.metrics.top_k_accuracy_score(
                y, x, k=batch.request["k"], labels=labels),
            "perplexity": np.exp(sklearn.metrics.log_loss(y, p, labels=labels)),
            "brier": sklearn.metrics.brier_score_loss(y, p, labels=labels,
                                                      scale_by_half=False),
            "confusion_matrix": sklearn.metrics.confusion_matrix(
                y, x.argmax(axis=1), labels=labels)}


def by_torchmetrics(batch, p):
    if batch.is_soft:
        return {}
    x, y = torch.tensor(batch.x[batch.counts]), torch.tensor(batch.y[batch.counts])
    p, classes = torch.tensor(p), batch.classes
    logs = p.log() if batch.stage == "probabilities" else x
    answer = {
        "accuracy": MulticlassAccuracy(classes, average="micro")(x, y),
        "top_k_accuracy": MulticlassAccuracy(classes, top_k=batch.request["k"],
                                             average="micro")(x, y),
        "perplexity": Perplexity()(logs[None], y[None]),
        "ece": MulticlassCalibrationError(classes, batch.request["bins"], "l1")(p, y),
        "confusion_matrix": MulticlassConfusionMatrix(classes)(x, y)}
    return {name: value.numpy() for name, value in answer.items()}


def by_torch(batch):
    """Losses per class and the gradient, by autograd."""
    x = torch.tensor(batch.request[batch.stage], dtype=torch.float64, requires_grad=True)
    y = torch.tensor(batch.request["targets"], dtype=torch.float64 if batch.is_soft else None)
    w = torch.tensor(batch.w)

    def loss(reduction):
        if batch.stage == "logits":
            return F.cross_entropy(x, y, weight=w, ignore_index=batch.ignored,
                                   reduction=reduction, label_smoothing=batch.e)
        lp = x.log() if batch.stage == "probabilities" else x
        own = F.nll_loss(lp, y, weight=w, reduction="none")
        smooth = F.nll_loss(lp.new_zeros(lp.shape), y, reduction="none")
        if batch.e > 0:
            smooth = -(lp * w).sum(dim=1) / batch.classes
        losses = (1 - batch.e) * own + batch.e * smooth
        return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / w[y].sum()}[reduction]

    loss(batch.reduction).sum().backward()
    answer = {"gradient": batch.rows(x.grad.numpy()),
              "loss": loss(batch.reduction).detach().numpy().ravel()}
    if not batch.is_soft:
        losses = loss("none").detach().numpy().ravel()
        answer["per_class.loss_sum"] = np.bincount(
            batch.y[batch.counts], losses[batch.counts], minlength=batch.classes)
    return answer


# ---- side by side ----------------------------------------------------------------------------

def as_floats(value):
    return np.array(np.vectorize(float, otypes=[float])(np.array(value, dtype=object)))


def tolerance(library):
    return 1e-5 if library == "torchmetrics" else 1e-10  # it adds up in float32


def difference(name, got, want):
    """The largest relative difference; of a gradient, relative to its largest element."""
    got, want = np.atleast_1d(got, want)
    scale = np.abs(want)
    if name == "gradient":
        scale = np.full(want.shape, scale.max())
    apart = np.abs(got - want)
    return float(np.max(np.divide(apart, scale, out=apart.copy(), where=scale > 0), initial=0))


def lookup(answer, name):
    for part in name.split("."):
        answer = answer[part]
    return as_floats(answer)


def compare(batch, truth):
    """Print a line for each measure asked for; the names of those that differ."""
    p, numpy_answer = by_numpy(batch)
    columns = {"numpy": numpy_answer, "scikit-learn": by_scikit_learn(batch, p),
               "torchmetrics": by_torchmetrics(batch, p), "torch": by_torch(batch)}
    wants, bad = batch.request["return"], []
    names = ["loss", *wants] + [part for part in ("ece_bins.count", "per_class.loss_sum")
                                if part.split(".")[0].split("_bins")[0] in wants]
    print(f"\n{batch.name}: {'x'.join(map(str, batch.shape))} {batch.stage}, "
          f"k = {batch.request['k']}, bins = {batch.request['bins']}")
    for name in names:
        if not any(name in answer for answer in columns.values()):
            continue
        want = lookup(truth, name)
        line = f"  {name:<19}" + (f"{float(want):>21.17g}" if want.ndim == 0 else " " * 21)
        for library, answer in columns.items():
            if name not in answer:
                line += f"{'-':>21}"
                continue
            got, mark = as_floats(answer[name]).reshape(want.shape), " "
            if name == "gradient" and batch.stage == "probabilities":
                got = np.where((batch.x == 0.0) & np.isnan(got), 0.0, got)
            apart = difference(name, got, want)
            if not apart <= tolerance(library):
                mark = "*"
                if (batch.name, name, library) not in KNOWN:
                    bad.append(f"{batch.name}: {name} of {library}")
            line += (f"{float(got):>20.16g}{mark}" if want.ndim == 0
                     else f"{f'{apart:.1e} apart':>20}{mark}")
        print(line)
    return bad


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
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", sklearn.exceptions.UndefinedMetricWarning)
    print(f"{'':<21}{'mpmath':>21}{'numpy':>20} {'scikit-learn, scipy':>20} "
          f"{'torchmetrics':>20} {'torch':>20}    * differs")
    cases, bad = make_cases(), []
    for case in cases:
        batch = Batch(case)
        truth = by_definition(batch)
        bad += compare(batch, truth)
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
