"""Who called how often, what was not asked, what came out different.  To run: check_clients.py."""
import collections

import numpy as np

import client_torch

SHOWN_MAX = 20  # differences printed whole
SHOWN_CHARACTERS = 1000  # of one


def same_bits(got, expected):
    """Whether two arrays are the same to the last bit; a NaN has many, which JSON does not tell."""
    if got is None or got.shape != expected.shape or got.dtype != expected.dtype:
        return False
    if got.tobytes() == expected.tobytes():
        return True
    if got.dtype.kind != 'f':
        return False
    both_nan = np.isnan(got) & np.isnan(expected)
    return bool(np.all(both_nan | ((got == expected) & (np.signbit(got) == np.signbit(expected)))))


def described(array):
    return 'missing' if array is None else '%s %s %s' % (array.dtype, array.shape, array)


class Tally:
    def __init__(self, daemon):
        self.daemon = daemon
        self.calls, self.skipped = collections.Counter(), collections.Counter()
        self.differences = 0
        self.known = {}  # the two answers of a case, by its name and parameters

    def skip(self, client, reason, count=1):
        self.skipped[client, reason] += count

    def differ(self, client, what, detail):
        self.differences += 1
        if self.differences <= SHOWN_MAX:
            print('%s: %s: %s' % (client, what, str(detail)[:SHOWN_CHARACTERS]))

    def expect(self, client, what, got, expected):
        """One call, whose answer is to be this."""
        self.calls[client] += 1
        if got != expected:
            self.differ(client, what, 'got %r, expected %r' % (got, expected))

    def expect_refusal(self, client, what, error, status, sentence):
        """One call that is to fail with our sentence; error is what the client raised, or None."""
        self.calls[client] += 1
        text = str(error)
        if error is None or sentence not in text or str(status) not in text:
            self.differ(client, what, 'got %r, expected %s %r' % (text, status, sentence))

    def answers(self, case):
        key = case.name, str(case.parameters), case.outputs
        if key not in self.known:
            torchs = client_torch.Evaluation(case).outputs()
            self.daemon.connection.close()  # lossd may have, while the clients were at work
            self.known[key] = case.evaluate(self.daemon), torchs
        return self.known[key]

    def compare(self, client, form, case, read):
        """One call with a case, answered; read(name) is an output as the client has it, or None."""
        self.calls[client] += 1
        expected, torchs = self.answers(case)
        for name in case.outputs:
            got, what = read(name), '%s, %s: %s %s' % (form, case.name, name, case.parameters)
            if not same_bits(got, expected[name]):
                self.differ(client, what, 'got %s\n  /v1/evaluate: %s'
                            % (described(got), described(expected[name])))
                continue
            differs = client_torch.difference(case, name, got, torchs)
            if differs:
                self.differ(client, what, 'PyTorch: ' + differs)

    def report(self):
        for client, count in self.calls.items():
            print('%6d  calls of %s' % (count, client))
        for (client, reason), count in sorted(self.skipped.items()):
            print('%6d  not made: %s: %s' % (count, client, reason))
