#!/usr/bin/env python3
"""Hold the daemon against its own /openapi.json, by schemathesis.

    check_openapi.py PROGRAM CASES [OPTION OF SCHEMATHESIS]...

First the document itself is validated; then schemathesis draws up to CASES requests for each way to
evaluate, and a fiftieth of that for every other operation, right ones and wrong ones, and looks at every reply: its status, type, headers and members must be
those of the document, and what the document forbids must be refused.  Needs the packages that
run_openapi.sh installs.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

import openapi_spec_validator

import daemon

HERE = pathlib.Path(__file__).resolve().parent


EVALUATING = '/(evaluate|infer)$'


def counts(metrics, name):
    """What a counter has counted, by the label `code`, as text."""
    found = {}
    for code, count in re.findall(r'^%s\{.*code="(\w+)"\} (\d+)$' % name, metrics, re.M):
        if count != '0':
            found[code] = found.get(code, 0) + int(count)
    return ', '.join('%d %s' % (count, code) for code, count in sorted(found.items()))


def get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def schemathesis(url, folder, cases, options):
    """Whether it finds nothing.  It keeps what it learns where it is started: in `folder`."""
    return subprocess.run(
        [sys.executable, '-m', 'schemathesis.cli', '--config-file', str(HERE / 'schemathesis.toml'),
         'run', url + '/openapi.json', '--max-examples', str(cases), '--continue-on-failure',
         '--no-color', '--warnings', 'off', *options],
        cwd=folder, check=False,
        env=dict(os.environ, PYTHONPATH=str(HERE), SCHEMATHESIS_HOOKS='openapi_hooks')).returncode == 0


def main(program, cases, options):
    with daemon.Daemon(program) as lossd:
        url = 'http://%s:%d' % (lossd.connection.host, lossd.connection.port)
        openapi_spec_validator.validate(json.loads(get(url + '/openapi.json')))
        print('openapi: the document is valid', flush=True)
        with tempfile.TemporaryDirectory() as folder:
            fine = [schemathesis(url, folder, cases, ['--include-path-regex', EVALUATING, *options]),
                    schemathesis(url, folder, max(cases // 50, 10),
                                 ['--exclude-path-regex', EVALUATING, *options])]
        metrics = get(url + '/metrics')
    print('openapi: replies by status: %s' % counts(metrics, 'lossd_http_requests_total'))
    print('openapi: errors by code: %s' % counts(metrics, 'lossd_errors_total'))
    if lossd.status != 0:
        print('openapi: lossd ended with status %d' % lossd.status)
    return 0 if all(fine) and lossd.status == 0 else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
