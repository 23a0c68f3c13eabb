"""Clients of HTTP that know of no protocol: README.md's Python block as it stands, safetensors by
urllib, requests, and curl.  To run: check_clients.py."""
import json
import re
import shutil
import subprocess
import sys
import urllib.request

import numpy as np
from safetensors.numpy import load
from safetensors.torch import load as load_torch, save

import client_cases

README = 'README.md'
IN_README = '127.0.0.1:8080'


def check_readme(tally):
    with open(README, encoding='utf-8') as file:
        blocks = re.findall(r'^```python\n(.*?)^```$', file.read(), re.M | re.S)
    tally.expect('README.md', 'Python blocks', len(blocks), 1)
    code = blocks[0].replace(IN_README, tally.daemon.address)
    tally.expect('README.md', 'address', code == blocks[0], False)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    case = client_cases.make('README.md')
    body = {'logits': [[2, 1, 0], [0, 1, 2]], 'targets': [0, 2]}
    status, reply = tally.daemon.evaluate(body)
    expected = '%s\n' % np.float32(reply['loss'])
    tally.expect('README.md', case.name, (status, done.stdout, done.stderr), (200, expected, ''))


def safetensors_request(case):
    """(path, body): class indices as they are, which safetensors can all write."""
    options = ['%s=%s' % option for option in case.parameters.items()]
    options.append('return=' + ','.join(case.wanted()))
    return '/v1/evaluate?' + '&'.join(options), save(dict(case.tensors))


def check_safetensors(tally, cases):
    client = 'safetensors by urllib'
    for case in cases:
        path, body = safetensors_request(case)
        request = urllib.request.Request('http://' + tally.daemon.address + path, body,
                                         {'Content-Type': 'application/x-safetensors'})
        with urllib.request.urlopen(request, timeout=30) as reply:
            # numpy has no bfloat16, of which safetensors makes what is installed
            tensors = {name: client_cases.as_array(tensor)
                       for name, tensor in load_torch(reply.read()).items()} \
                if case.datatype == 'BF16' else load(reply.read())
        tally.compare(client, 'safetensors', case, tensors.get)


def json_reader(case, reply):
    return lambda name: case.read(name, reply)


def check_requests(tally, cases):
    try:
        import requests
    except ImportError as error:
        tally.skip('requests', 'it is not installed (%s)' % error)
        return
    url = 'http://%s/v1/evaluate' % tally.daemon.address
    with requests.Session() as session:
        for case in cases:
            if not case.tensors[case.stage].isfinite().all():
                tally.skip('requests', 'it refuses to send NaN and infinities in JSON')
                continue
            response = session.post(url, json=case.json(), timeout=30)
            tally.compare('requests', 'JSON', case, json_reader(case, response.json()))
        response = session.post(url, json={'logits': [[1, 2]], 'targets': [2]}, timeout=30)
        tally.expect('requests', 'class', [response.status_code, response.json()['error']],
                     [400, 'targets[0] is 2, but there are 2 classes (0..1)'])
        response = session.get(url, timeout=30)
        tally.expect('requests', 'GET', [response.status_code, 'POST' in response.headers['Allow']],
                     [405, True])


def curl(*arguments, body=None):
    done = subprocess.run(['curl', '-sS', '--max-time', '30', *arguments], input=body,
                          capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError('curl %s: %s' % (arguments, done.stderr))
    return done.stdout


def check_curl(tally, cases):
    if shutil.which('curl') is None:
        tally.skip('curl', 'it is not installed')
        return
    url = 'http://%s/v1/evaluate' % tally.daemon.address
    lines = [json.dumps(case.json()) for case in cases]
    refused = json.dumps({'logits': [[1, 2]], 'targets': [2]})
    body = '\n'.join(lines + ['', refused]).encode()
    replies = curl(url, '-H', 'Content-Type: application/x-ndjson', '--data-binary', '@-',
                   body=body).decode().splitlines()
    tally.expect('curl', 'lines', len(replies), len(lines) + 1)
    for case, reply in zip(cases, replies):
        tally.compare('curl', 'NDJSON', case, json_reader(case, json.loads(reply)))
    tally.expect('curl', 'last line', json.loads(replies[-1])['code'], 'target_out_of_range')
    for case, line in zip(cases, lines):
        coded = curl(url, '--compressed', '-H', 'Content-Type: application/json',
                     '--data-binary', '@-', body=line.encode())
        tally.compare('curl', '--compressed', case, json_reader(case, json.loads(coded)))
    metrics = 'http://%s/metrics' % tally.daemon.address
    head = curl(metrics, '--compressed', '-D', '-', '-o', '/dev/null').decode().lower()
    tally.expect('curl', 'coding', 'content-encoding: gzip' in head, True)
    tally.expect('curl', 'metrics', b'lossd_build_info' in curl(metrics, '--compressed'), True)


def run(tally, cases):
    check_readme(tally)
    check_safetensors(tally, cases)
    in_json = [case for case in cases if case.datatype in ('FP32', 'FP64')
               and case.tensors[case.stage].numel() > 0]
    check_requests(tally, in_json)
    check_curl(tally, in_json)
