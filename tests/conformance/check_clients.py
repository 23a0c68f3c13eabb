#!/usr/bin/env python3
"""Let real clients call the daemon, and compare what they get.

    make conformance
    python3 tests/conformance/check_clients.py build/release/lossd

The second form needs a Python with torch, numpy, tritonclient[http] and safetensors; other clients
(kserve, requests, curl, perf_analyzer) are skipped where they are missing, which is said.  Every
client asks the cases of client_cases.py in every form that it knows, and each number must be the
one that /v1/evaluate gives in JSON, bit for bit, and PyTorch's within the tolerances of
torch.testing.assert_close.  client_*.py are the clients, a module each.
"""
import importlib
import sys
import time
import traceback

import torch

import client_cases
from client_tally import Tally
from daemon import Daemon

CALLS_MIN = 150
# Compressed and larger requests wait for a worker, and by default few may: the others get 503, on
# which none of these clients tries again.
SETTINGS = ('--queue-jobs-max', '1000')
CLIENTS = ('client_triton', 'client_refusals', 'client_aio', 'client_kserve', 'client_plain',
           'client_perf')


def run(tally, name, cases):
    """One module of clients; what it raises is a difference."""
    try:
        importlib.import_module(name).run(tally, cases)
    except Exception:  # whatever a client makes of a reply that it cannot read
        tally.differ(name, 'raised', '\n' + traceback.format_exc()[-900:])


def main(program, names=CLIENTS):
    torch.set_num_threads(1)
    started = time.monotonic()
    daemon = Daemon(program, *SETTINGS)
    with daemon:
        tally = Tally(daemon)
        cases = list(client_cases.all_cases())
        for name in names:
            run(tally, name, cases)
    tally.report()
    calls = tally.calls.total()
    if daemon.status != 0:
        print('the daemon died: exit status %s' % daemon.status)
    if calls < CALLS_MIN:
        print('there must be %d calls' % CALLS_MIN)
    print('clients: %d cases, %d calls in %.0f s: %d differ'
          % (len(cases), calls, time.monotonic() - started, tally.differences))
    return 1 if tally.differences or calls < CALLS_MIN or daemon.status != 0 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:] or CLIENTS))
