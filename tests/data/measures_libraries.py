"""Measures and gradients by NumPy, scikit-learn, SciPy, torchmetrics and PyTorch, beside those
that make_measures.py has computed at 50 digits. Where they differ, and why:

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
"""

import warnings

import numpy as np
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
import torch.nn.functional as F
from torchmetrics.classification import (MulticlassAccuracy, MulticlassCalibrationError,
                                         MulticlassConfusionMatrix)
from torchmetrics.text import Perplexity

KNOWN = {("confident", "top_k_accuracy", "scikit-learn"),
         ("confident", "top_k_accuracy", "torchmetrics")}


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


def start():
    """Before the first comparison: settle the libraries, print the heads of the columns."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", sklearn.exceptions.UndefinedMetricWarning)
    print(f"{'':<21}{'mpmath':>21}{'numpy':>20} {'scikit-learn, scipy':>20} "
          f"{'torchmetrics':>20} {'torch':>20}    * differs")


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
