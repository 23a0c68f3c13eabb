"""What the checks of the page hold it against, and what they share."""
import json
import math
import pathlib
import subprocess

DATA = pathlib.Path('tests/data')
BATCH = json.loads((DATA / 'digits.json').read_text())
DIGITS = json.loads((DATA / 'digits.expected.json').read_text())
LOGITS, TARGETS = [[13, 3, 2, 5, 1], [1, 8, 20, 2, 3], [1, 14, 3, 5, 3]], [0, 2, 1]
FLOAT32 = 2.0 ** -23  # relative


def softmax(row):
    powers = [math.exp(score - max(row)) for score in row]
    return [power / sum(powers) for power in powers]


# By the definition; exact enough at these scores.
GOLDEN_SOFTMAX = [softmax(row) for row in LOGITS]
GOLDEN_LOSSES = [-math.log1p(row[target] - 1) for row, target in zip(GOLDEN_SOFTMAX, TARGETS)]


def near(got, want, tolerance):
    assert len(got) == len(want), (got, want)
    for one, other in zip(got, want):
        assert math.isclose(one, other, rel_tol=tolerance), (got, want)


def loss_of(page):
    return float(page.text('#loss'))


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout
