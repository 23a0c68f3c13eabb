#!/usr/bin/env python3
"""Send PyTorch's own samples to the daemon and compare its answers with PyTorch's in float64.

    make conformance
    python3 tests/conformance/check_torch.py build/release/lossd [number of seeds]

The second form needs a Python with torch, numpy and expecttest.  The samples are those of
PyTorch's OpInfo and ModuleInfo databases (samples.py); each goes to POST /v1/evaluate (wire.py)
for its result and for the gradient of its loss, and both again for altered samples
(alterations.py).  The tolerances are the defaults of torch.testing.assert_close for the dtype in
which lossd answered.
"""
import collections
import dataclasses
import http.client
import json
import sys
import time
import warnings

import torch

import alterations
import samples
import wire
from daemon import Daemon

CALLS_MIN = 500
SHOWN_MAX = 20  # disagreements printed whole
SHOWN_BYTES = 2000  # of a request

KINDS = ('forward', 'gradient', 'errors', 'altered')
OWN = KINDS[:3]  # calls with PyTorch's samples as they are
WITHOUT_GRADIENT = 'gradient: that of a softmax needs an upstream gradient, which a request has not'


@dataclasses.dataclass
class Report:
    """What was asked and what came out of it."""
    calls: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    skipped: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    differs: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    seen: set = dataclasses.field(default_factory=set)
    disagreements: int = 0

    def skip(self, sample, reason):
        self.skipped[sample.source, sample.operation, reason] += 1

    def is_new(self, sample, kind, body):
        """False for a request that was made before, of which nothing more can be learnt."""
        key = json.dumps(body)
        if key in self.seen:
            self.skip(sample, 'the same request again (%s)' % kind)
            return False
        self.seen.add(key)
        self.calls[sample.source, sample.operation, kind] += 1
        return True

    def disagree(self, sample, kind, body, ours, torchs):
        self.disagreements += 1
        if self.disagreements <= SHOWN_MAX:
            text = json.dumps(body)
            print('%s: %s\n  request: %s%s\n  lossd: %s\n  torch: %s'
                  % (kind, sample, text[:SHOWN_BYTES], '...' if len(text) > SHOWN_BYTES else '',
                     ours, torchs))


def widened(value):
    is_real = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.to(torch.float64) if is_real else value


def torch_result(sample):
    """PyTorch's result in float64."""
    return sample.function(**{name: widened(value) for name, value in sample.arguments.items()})


def torch_refusal(sample):
    """What PyTorch refuses the call with, as it stands, or None."""
    try:
        sample.function(**sample.arguments)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return error
    return None


def torch_gradient(sample):
    """d loss / d input in float64, of each loss for its own row if there is no reduction."""
    leaf = sample.arguments['input'].detach().clone().to(torch.float64).requires_grad_()
    torch_result(sample.altered(sample.variant, input=leaf)).sum().backward()
    return leaf.grad


def compare(daemon, report, sample, kind, key, body, expected):
    """One call whose answer PyTorch knows."""
    if not report.is_new(sample, kind, body):
        return
    status, reply = daemon.evaluate(body)
    if status != 200 or reply['dtype'] != body['dtype'] or key not in reply:
        report.disagree(sample, kind, body, '%d %s' % (status, reply), expected)
        return
    ours = wire.read(sample, reply, key)
    try:
        torch.testing.assert_close(ours, expected, check_dtype=False, equal_nan=True)
    except AssertionError as difference:
        report.disagree(sample, kind, body, ours, '%s\n%s' % (expected, difference))


def check_sample(daemon, report, sample, kind='forward'):
    """The result of a sample, and its gradient if it is a loss."""
    try:
        body = wire.request(sample)
    except wire.Inexpressible as reason:
        report.skip(sample, '%s: %s' % (kind, reason))
        return
    compare(daemon, report, sample, kind, sample.result, body, torch_result(sample))
    if sample.result != 'loss':
        report.skip(sample, WITHOUT_GRADIENT)
    else:
        kind = 'gradient' if kind == 'forward' else kind
        compare(daemon, report, sample, kind, 'gradient', {**body, 'return': ['gradient']},
                torch_gradient(sample))


def check_refusal(daemon, report, sample, kind):
    """A call that PyTorch may refuse: then lossd refuses it, too, and else both have one answer.
    What README.md says that lossd refuses, it must, too."""
    refusal = torch_refusal(sample)
    documented = refusal is None and alterations.documented_difference(sample)
    if refusal is None and not documented:
        check_sample(daemon, report, sample, kind)
        return
    try:
        body = wire.request(sample)
    except wire.Inexpressible as reason:
        report.skip(sample, '%s: %s' % (kind, reason))
        return
    if report.is_new(sample, kind, body):
        report.differs.update([documented] if documented else [])
        status, reply = daemon.evaluate(body)
        if not 400 <= status < 500:
            report.disagree(sample, kind, body, '%d %s' % (status, reply),
                            documented or repr(refusal))


def check_all(daemon, report, seeds):
    for seed in range(seeds):
        given = list(samples.all_samples(seed))
        for sample in given:
            check_sample(daemon, report, sample)
        for sample in samples.all_samples(seed, errors=True):
            check_refusal(daemon, report, sample, 'errors')
        for sample in alterations.altered(given):
            check_refusal(daemon, report, sample, 'altered')


def print_report(report):
    print('%-11s %-28s' % ('samples of', 'operation') + ''.join('%10s' % kind for kind in KINDS))
    for source, operation in sorted({key[:2] for key in report.calls}):
        print('%-11s %-28s' % (source, operation)
              + ''.join('%10d' % report.calls[source, operation, kind] for kind in KINDS))
    print('skipped:')
    for (source, operation, reason), count in sorted(report.skipped.items()):
        print('%6d  %s %s: %s' % (count, source, operation, reason))
    print('accepted by PyTorch and, as README.md says, refused by lossd:')
    for reason, count in sorted(report.differs.items()):
        print('%6d  %s' % (count, reason))


def main(program, seeds=1):
    warnings.filterwarnings('ignore', 'size_average and reduce')  # they are tested on purpose
    torch.set_num_threads(1)  # the samples are small: threads would only wait for each other
    report = Report()
    died = None
    started = time.monotonic()
    daemon = Daemon(program)
    with daemon:
        try:
            check_all(daemon, report, seeds)
        except (OSError, http.client.HTTPException) as error:
            died = error
    print_report(report)
    calls = report.calls.total()
    own = sum(count for (_, _, kind), count in report.calls.items() if kind in OWN)
    if died is not None or daemon.status != 0:
        print('the daemon died: %r, exit status %s' % (died, daemon.status))
    if own < CALLS_MIN:
        print('there must be %d calls with samples of PyTorch' % CALLS_MIN)
    print('conformance: PyTorch %s, %d calls with its samples, %d with them altered, in %.0f s: '
          '%d disagree' % (torch.__version__, own, calls - own, time.monotonic() - started,
                           report.disagreements))
    return 1 if report.disagreements or own < CALLS_MIN or died or daemon.status != 0 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
