#!/usr/bin/env python3
"""Make accuracy_small.jsonl.gz: a few rows of each family of a full accuracy_cases file.

The full file holds batches of float32 logits with the true loss, log_softmax and softmax in
float64, from multiprecision arithmetic; at 2.4 MB it is too large to keep here. Kept are the seed
example, the first 16 rows of each batch of C = 2 and C = 10, and the first row of each of C = 1000.

    python3 tests/data/make_accuracy.py ACCURACY_CASES.jsonl.gz

writes accuracy_small.jsonl.gz beside this script, the same bytes on every run.
"""
import base64
import gzip
import json
import pathlib
import sys

ROWS_KEPT = {2: 16, 5: 3, 10: 16, 1000: 1}      # by number of classes
BYTES = {'float32': 4, 'float64': 8, 'int64': 8}
OUTPUT = pathlib.Path(__file__).resolve().parent / 'accuracy_small.jsonl.gz'


def first_rows(tensor, rows):
    """The first `rows` along axis 0 of an encoded tensor, encoded."""
    shape = [rows] + tensor['shape'][1:]
    size = BYTES[tensor['dtype']]
    for length in shape:
        size *= length
    raw = base64.b64decode(tensor['b64'])[:size]
    return {'dtype': tensor['dtype'], 'shape': shape, 'b64': base64.b64encode(raw).decode()}


def shorten(record):
    """The record's first rows, or None if there are too many classes to keep any."""
    rows = ROWS_KEPT.get(record['args']['input']['shape'][1])
    if rows is None:
        return None
    return {'op': record['op'], 'case': record['case'],
            'args': {name: first_rows(record['args'][name], rows) for name in ('input', 'target')},
            'expected64': {name: first_rows(record['expected64'][name], rows)
                           for name in ('loss', 'log_softmax', 'softmax')}}


def main(path):
    with gzip.open(path, 'rt', encoding='utf-8') as lines:
        kept = [short for short in map(shorten, map(json.loads, lines)) if short]
    text = ''.join(json.dumps(record) + '\n' for record in kept)
    OUTPUT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print('%s: %d batches, %d bytes' % (OUTPUT.name, len(kept), OUTPUT.stat().st_size))


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: make_accuracy.py ACCURACY_CASES.jsonl.gz')
    main(sys.argv[1])
