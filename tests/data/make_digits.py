#!/usr/bin/env python3
"""Make the handwritten-digits test case: digits.json and digits.expected.json.

A softmax regression is trained on most of scikit-learn's bundled digits (1,797
images of 8x8 pixels, ten classes). Its logits for 450 held-out images, their
true digits and balanced class weights become digits.json, a request body for
POST /v1/evaluate. The losses are then computed from the numbers as they stand
in that file, by PyTorch, by scikit-learn and by mpmath at 50 digits, and become
digits.expected.json.

Run it with no arguments, from any folder:

    python3 make_digits.py

It writes both files beside itself and prints the three answers side by side.
If they differ by more than 1e-9 relative in float64 it leaves
digits.expected.json alone and exits 1. digits.json should come out the same on
every run; what PyTorch and scikit-learn answer may differ in the last digits from
one processor or version to another. Needs these packages from PyPI: scikit-learn
(1.6 or later), torch (the CPU is enough) and mpmath.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import mpmath
import numpy as np
import scipy.special
import sklearn
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 20240229
HELD_OUT = 450
TOLERANCE = 1e-9


def six_digits(values):
    return [float(f"{value:.6g}") for value in values]


def make_request(path):
    """Train the model and write what it says of the held-out images."""
    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data / 16.0, digits.target, test_size=HELD_OUT,
        stratify=digits.target, random_state=SEED)
    # lbfgs stops about 1e-5 short of the optimum, at a place that depends on the
    # BLAS in use; a Newton step from there makes the six digits kept the same.
    model = LogisticRegression(solver="lbfgs", C=1.0, tol=1e-9, max_iter=10000,
                               warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(train_x, train_y)
        model.set_params(solver="newton-cholesky", tol=1e-12).fit(train_x, train_y)
    counts = np.bincount(train_y)
    weights = six_digits(len(train_y) / (len(counts) * counts))
    rows = [json.dumps(six_digits(row)) for row in model.decision_function(test_x)]
    path.write_text('{"dtype": "float64",\n"logits": [\n' + ",\n".join(rows)
                    + '\n],\n"targets": ' + json.dumps(test_y.tolist())
                    + ',\n"weights": ' + json.dumps(weights) + "}\n")


def by_torch(logits, targets, weights, dtype):
    x, w = torch.tensor(logits, dtype=dtype), torch.tensor(weights, dtype=dtype)
    y = torch.tensor(targets)
    return {"mean": F.cross_entropy(x, y, weight=w).item(),
            "sum": F.cross_entropy(x, y, weight=w, reduction="sum").item(),
            "unweighted_mean": F.cross_entropy(x, y).item()}


def by_scikit_learn(logits, targets, weights):
    p, labels = scipy.special.softmax(np.array(logits), axis=1), range(len(weights))
    return {"log_loss": float(log_loss(targets, p, labels=labels)),
            "weighted_log_loss": float(log_loss(
                targets, p, labels=labels, sample_weight=np.array(weights)[targets])),
            "accuracy": float(accuracy_score(targets, p.argmax(axis=1)))}


def by_mpmath(logits, targets, weights):
    """The textbook formula, log(sum(exp(row))) - row[target], at 50 digits."""
    with mpmath.workdps(50):
        losses = [mpmath.log(mpmath.fsum(map(mpmath.exp, row))) - mpmath.mpf(row[t])
                  for row, t in zip(logits, targets)]
        total = mpmath.fsum(mpmath.mpf(weights[t]) * loss
                            for loss, t in zip(losses, targets))
        weight_sum = mpmath.fsum(mpmath.mpf(weights[t]) for t in targets)
        answers = {"mean": float(total / weight_sum), "sum": float(total),
                   "weight_sum": float(weight_sum),
                   "unweighted_mean": float(mpmath.fsum(losses) / len(losses))}
        return answers, [float(loss) for loss in losses[:5]]


def main():
    make_request(HERE / "digits.json")
    request = json.loads((HERE / "digits.json").read_text())
    logits, targets, weights = (request[k] for k in ("logits", "targets", "weights"))

    torch.set_num_threads(1)  # one order of summation
    wide = by_torch(logits, targets, weights, torch.float64)
    narrow = by_torch(logits, targets, weights, torch.float32)
    learn = by_scikit_learn(logits, targets, weights)
    exact, first_losses = by_mpmath(logits, targets, weights)
    correct = sum(row.index(max(row)) == t for row, t in zip(logits, targets))

    table = {  # what is compared: mpmath, torch, scikit-learn, torch in float32
        "mean": (exact["mean"], wide["mean"], learn["weighted_log_loss"], narrow["mean"]),
        "sum": (exact["sum"], wide["sum"], None, narrow["sum"]),
        "unweighted_mean": (exact["unweighted_mean"], wide["unweighted_mean"],
                            learn["log_loss"], narrow["unweighted_mean"]),
        "accuracy": (correct / len(targets), None, learn["accuracy"], None)}
    print(("{:<16}" + "{:>22}" * 4).format(
        "", "mpmath", "torch float64", "scikit-learn", "torch float32"))
    for name, values in table.items():
        cells = ["-" if value is None else repr(value) for value in values]
        print(("{:<16}" + "{:>22}" * 4).format(name, *cells))
    differing = [name for name, (reference, *others, _) in table.items()
                 for value in others if value is not None
                 and not math.isclose(value, reference, rel_tol=TOLERANCE)]
    if differing:
        sys.exit("make_digits.py: they disagree on " + ", ".join(differing))

    expected = {
        "count": len(targets), "correct": correct, "classes": len(weights),
        "torch": {"version": str(torch.__version__), "float64": wide, "float32": narrow},
        "scikit_learn": {"version": sklearn.__version__, **learn},
        "mpmath": exact, "losses_first_5": first_losses}
    (HERE / "digits.expected.json").write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main()
