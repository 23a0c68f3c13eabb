#!/usr/bin/env python3
"""Requests that two parsers could read differently, sent raw: no proxy lets a second one through in them.

    PYTHONPATH=tests/support python3 tests/proxies/check_smuggling.py build/release/lossd

Each row is a request in whose body another one is hidden, GET /openapi.json, which the proxies refuse.  To
lossd directly, nginx and HAProxy each row is sent with it; how often /openapi.json was answered is in
lossd's metrics, and must stay 0.  Directly, a row is refused or is one request, as its column says.
"""
import re
import socket
import sys

from daemon import Daemon
from proxy import REPLICA_ADDRESS, HAProxy, Nginx

HIDDEN = b'GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n'
JSON = b'{"logits":[[2,1]],"targets":[0]}'
PATIENCE_S = 0.5 # for what is expected not to come
REFUSED, ONE = 'refused', 'one request'
EITHER = 'refused or one request' # by the version of libmicrohttpd


def with_lengths(*fields):
    """A head with these lines, then the JSON and what is hidden behind it."""
    return b'POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n%s%s' % (b'\r\n'.join(fields), JSON, HIDDEN)


def chunk(data, size=None):
    return b'%s\r\n%s\r\n' % (size or b'%x' % len(data), data)


def with_chunks(*fields, version=b'1.1', body=None):
    """A head with these lines, then an end of chunks, and what is hidden behind it."""
    return b'POST /v1/evaluate HTTP/%s\r\nHost: a\r\n%s\r\n\r\n%s' % (
        version, b'\r\n'.join(fields), body or chunk(JSON) + b'0\r\n\r\n' + HIDDEN)


SHORT = b'Content-Length: %d' % len(JSON)
LONG = b'Content-Length: %d' % (len(JSON) + len(HIDDEN))
CHUNKED = b'Transfer-Encoding: chunked'
ALL_CHUNKS = b'Content-Length: %d' % len(chunk(JSON) + b'0\r\n\r\n' + HIDDEN)
INSIDE = chunk(JSON + b' ' * 8) # hidden in a chunk's data: ends up in a body, never as a request

ROWS = (
    # name, bytes, what lossd makes of it
    ('two lengths, the short one first', with_lengths(SHORT, LONG), REFUSED),
    ('two lengths, the long one first', with_lengths(LONG, SHORT), REFUSED),
    ('a length twice', with_lengths(LONG, LONG), REFUSED),
    ('a length and 0', with_lengths(LONG, b'Content-Length: 0'), REFUSED),
    ('a list of lengths', with_lengths(SHORT + b', %d' % (len(JSON) + len(HIDDEN))), REFUSED),
    ('a signed length', with_lengths(b'Content-Length: +%d' % (len(JSON) + len(HIDDEN))), REFUSED),
    ('a negative length', with_lengths(b'Content-Length: -1'), REFUSED),
    ('a hexadecimal length', with_lengths(b'Content-Length: 0x20'), REFUSED),
    ('a length of 10^23', with_lengths(b'Content-Length: 1' + b'0' * 23), REFUSED),
    ('a length of 2^64 - 1', with_lengths(b'Content-Length: 18446744073709551615'), REFUSED),
    ('a length of 2^64 and the JSON', with_lengths(b'Content-Length: %d' % (2**64 + len(JSON))), REFUSED),
    ('a length, a space, a colon', with_lengths(LONG.replace(b':', b' :')), REFUSED),
    ('a length on a folded line', with_lengths(LONG.replace(b': ', b':\r\n ')), EITHER),
    ('chunked and a length', with_chunks(CHUNKED, ALL_CHUNKS), REFUSED),
    ('a length and chunked', with_chunks(ALL_CHUNKS, CHUNKED), REFUSED),
    ('chunked twice', with_chunks(CHUNKED, CHUNKED), REFUSED),
    ('chunked, and identity', with_chunks(CHUNKED, b'Transfer-Encoding: identity'), REFUSED),
    ('gzip, chunked', with_chunks(b'Transfer-Encoding: gzip, chunked', ALL_CHUNKS), REFUSED),
    ('identity', with_chunks(b'Transfer-Encoding: identity', ALL_CHUNKS), REFUSED),
    ('xchunked', with_chunks(b'Transfer-Encoding: xchunked', ALL_CHUNKS), REFUSED),
    ('chunked in quotes', with_chunks(b'Transfer-Encoding: "chunked"', ALL_CHUNKS), REFUSED),
    ('chunked after a vertical tab', with_chunks(b'Transfer-Encoding:\x0bchunked', ALL_CHUNKS), REFUSED),
    ('chunked, a space, a colon', with_chunks(b'Transfer-Encoding : chunked', ALL_CHUNKS), REFUSED),
    ('chunked on a folded line', with_chunks(b'Transfer-Encoding:\r\n chunked', ALL_CHUNKS), EITHER),
    ('chunked behind a NUL', with_chunks(b'X: a\0b\r\nTransfer-Encoding: chunked', ALL_CHUNKS), REFUSED),
    ('chunked behind a bare CR', with_chunks(b'X: a\rTransfer-Encoding: chunked', ALL_CHUNKS), EITHER),
    ('chunked behind a bare LF', with_chunks(b'X: a\nTransfer-Encoding: chunked', ALL_CHUNKS), REFUSED),
    ('chunked on HTTP/1.0', with_chunks(CHUNKED, ALL_CHUNKS, version=b'1.0'), REFUSED),
    ('no host', with_lengths(LONG).replace(b'Host: a\r\n', b'', 1), REFUSED),
    ('two hosts', with_lengths(b'Host: b', LONG), REFUSED),
    ('a name with a parenthesis', with_lengths(b'(x): b', LONG), REFUSED),
    ('a space in the URL', with_lengths(LONG).replace(b'evaluate', b'evaluate HTTP/1.1 x', 1), EITHER),
    ('a NUL in a header', with_lengths(b'X: a\0b', LONG), EITHER),
    ('a bare LF in the head', with_lengths(b'X: a\nY: b', LONG), EITHER),
    ('a chunk size of 2^64', with_chunks(CHUNKED, body=chunk(JSON, b'10000000000000020') + HIDDEN), REFUSED),
    ('a chunk size with 0x', with_chunks(CHUNKED, body=chunk(JSON, b'0x20') + HIDDEN), REFUSED),
    ('a negative chunk size', with_chunks(CHUNKED, body=chunk(JSON, b'-20') + HIDDEN), REFUSED),
    ('a chunk without its end', with_chunks(CHUNKED, body=b'20\r\n' + JSON + b'0\r\n\r\n' + HIDDEN), REFUSED),
    ('a chunk extension', with_chunks(CHUNKED, body=chunk(JSON + HIDDEN, b'%x;a=b' % len(JSON + HIDDEN)) +
                                      b'0\r\n\r\n'), EITHER),
    ('a trailer', with_chunks(CHUNKED, body=chunk(JSON + HIDDEN) + b'0\r\nX: y\r\n\r\n'), ONE),
    ('the right length', with_lengths(LONG), ONE),
    ('the right chunks', with_chunks(CHUNKED, body=chunk(JSON + HIDDEN) + b'0\r\n\r\n'), ONE),
)


def exchange(port, data, address='127.0.0.1'):
    """What comes back until the connection is closed or silent, and whether it was closed."""
    reply, closed = b'', False
    with socket.create_connection((address, port), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            while True:
                part = connection.recv(65536)
                if not part:
                    closed = True
                    break
                reply += part
        except socket.timeout:
            pass
        except OSError: # reset: what was sent and not read
            closed = True
    return reply, closed


def outcome(reply, closed):
    """What lossd made of a row.  As one body, what is hidden is trailing data, or chunks are no object."""
    if re.search(rb'"code": "(trailing_data|expected_object)"', reply):
        return ONE
    answers = len(re.findall(rb'HTTP/1\.[01] ', reply))
    if closed and answers <= 2 and b' 200 ' not in reply: # libmicrohttpd 0.9 may double a head
        return REFUSED
    return 'closed: %s, %r' % (closed, reply[:200])


def seen(lossd):
    """How often a request that was hidden has been answered."""
    counts = re.findall(r'lossd_http_requests_total\{route="/openapi.json"[^}]*\} (\d+)',
                        lossd.get('/metrics')[1])
    return sum(int(count) for count in counts)


def faults_of_row(way, port, lossd, row, address):
    name, data, expected = row
    before = seen(lossd)
    reply, closed = exchange(port, data, address)
    if seen(lossd) != before:
        yield '%s, %s: what was hidden was answered: %r' % (way, name, reply)
    got = outcome(reply, closed)
    if way == 'directly' and got not in expected:
        yield '%s, %s: want %s, got %s' % (way, name, expected, got)


def main(program):
    faults = []
    with Daemon(program, '--listen-address', REPLICA_ADDRESS) as lossd, \
            HAProxy([lossd.address], '    http-request deny if { path /openapi.json }') as haproxy, \
            Nginx([lossd.address], 'location /openapi.json { return 403; }') as nginx:
        for way, port, address in (('directly', lossd.connection.port, REPLICA_ADDRESS),
                                   ('HAProxy', haproxy.port, '127.0.0.1'),
                                   ('nginx', nginx.port, '127.0.0.1')):
            if exchange(port, HIDDEN, address)[0].count(b' 200 ') != (way == 'directly'):
                faults.append('%s: a request for /openapi.json that is not hidden' % way)
            for row in ROWS:
                faults += faults_of_row(way, port, lossd, row, address)
    print('\n'.join(faults) if faults else
          'smuggling: %d rows, directly, through HAProxy and through nginx: nothing gets through' % len(ROWS))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
