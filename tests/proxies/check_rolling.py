#!/usr/bin/env python3
"""Replace replicas behind HAProxy under load, and count the requests that fail: there must be none.

    PYTHONPATH=tests/support python3 tests/proxies/check_rolling.py build/release/lossd [ROUNDS]

Three replicas stand behind one HAProxy by config/haproxy.cfg.  Eight clients ask without a pause, four on
connections that they keep and four on a new one for each request; every other request is large enough to
go to a worker.  In each round every replica gets SIGTERM, ends, and is started again on its port.
"""
import http.client
import json
import re
import sys
import threading

from daemon import Daemon
from proxy import PATIENCE_S, REPLICA_ADDRESS, HAProxy, wait_until

REPLICAS = 3
CLIENTS = 8
ROUNDS = 10
# As in docker/compose.yaml.
DRAIN_DELAY_MS = 2000
LARGE_ROWS = 1000 # some 12 kB: above inline_bytes_max


def bodies():
    """(body, what the reply must hold): one row, and many of it.  The loss of a row of (2, 1) whose class
    is the first is log(1 + 1/e)."""
    for rows in (1, LARGE_ROWS):
        body = json.dumps({'logits': [[2, 1]] * rows, 'targets': [0] * rows})
        yield body, '"loss":0.3132617,', '"count":%d,' % rows


class Client(threading.Thread):
    """Asks until it is told to stop; `failures` has a sentence for each request that failed."""

    def __init__(self, port, keeps, stop):
        super().__init__()
        self.port, self.keeps, self.stop = port, keeps, stop
        self.answered, self.failures = 0, []

    def ask(self, connection, body, *parts):
        connection.request('POST', '/v1/evaluate', body, {'Content-Type': 'application/json'})
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != 200 or any(part not in text for part in parts):
            raise http.client.HTTPException('%d %s' % (response.status, text[:100]))

    def run(self):
        cases, connection = list(bodies()), None
        while not self.stop.is_set():
            connection = connection or http.client.HTTPConnection('127.0.0.1', self.port,
                                                                  timeout=PATIENCE_S)
            try:
                self.ask(connection, *cases[self.answered % len(cases)])
                self.answered += 1
                kept = self.keeps
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                kept = False
            if not kept:
                connection.close()
                connection = None


def start_replica(program, port=0):
    replica = Daemon(program, '--listen-address', REPLICA_ADDRESS, '--drain-delay-ms',
                     str(DRAIN_DELAY_MS), port=port)
    return replica.__enter__()


def replace(program, replicas, index, proxy):
    """Stop one replica and start another in its place; returns its exit status."""
    old = replicas[index]
    old.__exit__()
    replicas[index] = start_replica(program, old.connection.port)
    wait_until(lambda: proxy.replicas_up() == REPLICAS, 'HAProxy sees the new replica')
    return old.status


def seconds(text, name):
    """A time of haproxy.cfg."""
    number, unit = re.search(r'\b%s (\d+)(ms|s)\b' % name, text).groups()
    return int(number) / (1000 if unit == 'ms' else 1)


def disagreements(program):
    """Yields a sentence for each time of haproxy.cfg that does not fit lossd's settings."""
    with open('config/haproxy.cfg', encoding='utf-8') as file:
        proxy = file.read()
    with Daemon(program) as lossd:
        settings = lossd.settings()
    if seconds(proxy, 'timeout server') <= settings['request_timeout_ms'] / 1000:
        yield 'HAProxy gives up before request_timeout_ms'
    if seconds(proxy, 'timeout http-request') != settings['header_timeout_ms'] / 1000:
        yield 'timeout http-request is not header_timeout_ms'
    if seconds(proxy, 'pool-purge-delay') >= settings['idle_timeout_ms'] / 1000:
        yield 'HAProxy keeps idle connections for longer than idle_timeout_ms'
    if seconds(proxy, r'inter') + seconds(proxy, 'fastinter') >= DRAIN_DELAY_MS / 2000:
        yield 'HAProxy does not notice a replica that drains within half of drain_delay_ms'


def main(program, rounds=ROUNDS):
    faults = list(disagreements(program))
    replicas = [start_replica(program) for _ in range(REPLICAS)]
    stop = threading.Event()
    try:
        with HAProxy([replica.address for replica in replicas]) as proxy:
            wait_until(lambda: proxy.replicas_up() == REPLICAS, 'HAProxy sees all replicas')
            clients = [Client(proxy.port, i % 2 == 0, stop) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            try:
                for _ in range(int(rounds)):
                    for i in range(REPLICAS):
                        status = replace(program, replicas, i, proxy)
                        if status != 0:
                            faults.append('a replica exits with %d' % status)
            finally:
                stop.set()
                for client in clients:
                    client.join()
    finally:
        for replica in replicas:
            replica.__exit__()
    faults += [failure for client in clients for failure in client.failures]
    print('\n'.join(faults[:20]))
    print('rolling: %d replicas replaced, %d requests answered, %d failed'
          % (int(rounds) * REPLICAS, sum(client.answered for client in clients), len(faults)))
    return 1 if faults or any(client.answered == 0 for client in clients) else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
