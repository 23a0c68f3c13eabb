"""Traffic for a soak: good requests in every encoding, and all kinds of bad ones.

To run: soak.py.
"""
import gzip
import http.client
import json
import random
import socket
import struct

DIGITS = json.load(open('tests/data/digits.json'))
INFER = '/v2/models/cross_entropy/infer'


def good_requests():
    """(path, headers, body) of requests that are answered alike every time."""
    small = json.dumps({'logits': [[2, 1], [0, 3]], 'targets': [0, 1], 'return': ['softmax']}).encode()
    large = json.dumps({**DIGITS, 'return': ['losses', 'gradient']}).encode()
    file = open('tests/data/digits.safetensors', 'rb').read()
    lines = b''.join(json.dumps({'logits': [i % 7, 1, i], 'targets': i % 3, 'id': str(i)}).encode()
                     + b'\n' for i in range(2000)) + b'{"logits":[1\n'
    tensors = {'inputs': [
        {'name': 'logits', 'shape': [200, 3], 'datatype': 'FP32',
         'parameters': {'binary_data_size': 2400}},
        {'name': 'targets', 'shape': [200], 'datatype': 'INT64',
         'parameters': {'binary_data_size': 1600}}],
        'parameters': {'binary_data_output': True}}
    head = json.dumps(tensors).encode()
    binary = head + struct.pack('<600f', *(i % 11 for i in range(600)))
    binary += struct.pack('<200q', *(i % 3 for i in range(200)))
    plain = {'inputs': [
        {'name': 'logits', 'shape': [2, 2], 'datatype': 'FP64', 'data': [1, 2, 3, 5]},
        {'name': 'targets', 'shape': [2], 'datatype': 'INT32', 'data': [0, 1]}]}
    as_file = {'Content-Type': 'application/x-safetensors'}
    return [
        ('/v1/evaluate', {}, small),
        ('/v1/evaluate', {}, large),
        ('/v1/evaluate', {'Accept-Encoding': 'gzip'}, large),
        ('/v1/evaluate', {'Content-Encoding': 'gzip'}, gzip.compress(large)),
        ('/v1/evaluate', {'Accept': 'application/x-safetensors'}, large),
        ('/v1/evaluate?return=softmax', as_file, file),
        ('/v1/evaluate', {'Content-Type': 'application/x-ndjson'}, lines),
        (INFER, {'Inference-Header-Content-Length': str(len(head))}, binary),
        (INFER, {}, json.dumps(plain).encode()),
    ]


# (method, path, headers, body, the status that it is answered with)
REFUSED = [
    ('POST', '/v1/evaluate', {}, b'{"logits":[[1,', 400),
    ('POST', '/v1/evaluate', {}, b'{"logits":[[1,2]],"targets":[2]}', 400),
    ('POST', '/v1/evaluate', {}, b'{"lables":1}', 400),
    ('POST', '/v1/evaluate', {}, b'[' * 100000, 400),
    ('POST', '/v1/evaluate', {}, b'', 400),
    ('POST', '/v1/evaluate', {'Content-Type': 'text/plain'}, b'x', 415),
    ('POST', '/v1/evaluate', {'Content-Encoding': 'gzip'}, b'no gzip at all', 400),
    ('POST', '/v1/evaluate', {'Content-Encoding': 'gzip'}, gzip.compress(b' ' * 40000000), 413),
    ('POST', '/v1/evaluate', {'Content-Type': 'application/x-safetensors'}, b'12345678{', 400),
    ('POST', INFER, {}, b'{"inputs":[]}', 400),
    ('POST', '/v2/models/nothing/infer', {}, b'{}', 404),
    ('GET', '/nothing', {}, None, 404),
    ('DELETE', '/livez', {}, None, 405),
    ('GET', '/livez', {'X': 'x' * 70000}, None, 431),
    ('GET', '/metrics', {}, None, 200),
    ('GET', '/openapi.json', {'Accept-Encoding': 'gzip'}, None, 200),
    ('HEAD', '/v2/models/stats', {}, None, 200),
]

HEAD = b'POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n'


def begin(port, text, resets):
    """A connection on which so much has been said; when it is closed, by a reset or an end."""
    connection = socket.create_connection(('127.0.0.1', port), 10)
    if resets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.sendall(text)
    return connection


def rude(port, random_):
    """What a client does that has no manners, on one connection, at once or after a while."""
    kind = random_.randrange(5)
    resets = random_.random() < 0.5
    if kind == 0:  # gone in the middle of the body
        return begin(port, HEAD + b' ' * random_.randrange(50000), resets)
    if kind == 1:  # gone before the reply, which a worker makes
        body = json.dumps(DIGITS).encode()
        head = b'POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % len(body)
        return begin(port, head + body, resets)
    if kind == 2:  # noise
        return begin(port, random_.randbytes(random_.randrange(1, 2000)), resets)
    if kind == 3:  # two lengths, and a request smuggled behind them
        return begin(port, HEAD.replace(b'\r\n\r\n', b'\r\nContent-Length: 5\r\n\r\n') * 2, resets)
    return begin(port, b'GET /livez HTTP/1.1\r\nHo', resets)  # and silent from then on


def ask(connection, method, path, headers, body):
    """(status, body) of one call; the connection is opened again when the daemon has closed it."""
    for attempt in range(2):
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            if attempt == 1:
                return 0, b''


def shuffled(items, random_):
    items = list(items)
    random_.shuffle(items)
    return items


def dice(seed):
    return random.Random(seed)
