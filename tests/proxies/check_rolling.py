#!/usr/bin/env python3
"""Replace replicas behind HAProxy under load, and count the requests that fail: there must be none.

    PYTHONPATH=tests/support python3 tests/proxies/check_rolling.py build/release/lossd [ROUNDS]

Three replicas stand behind one HAProxy by config/haproxy.cfg, and clients ask without a pause (load.py).
In each round every replica gets SIGTERM, ends, and is started again on its port.
"""
import re
import sys

from daemon import Daemon
from load import Load
from proxy import REPLICA_ADDRESS, HAProxy
from waiting import wait_until

REPLICAS = 3
ROUNDS = 10
# As in docker/compose.yaml.
DRAIN_DELAY_MS = 2000


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
    try:
        with HAProxy([replica.address for replica in replicas]) as proxy:
            wait_until(lambda: proxy.replicas_up() == REPLICAS, 'HAProxy sees all replicas')
            with Load(proxy.port) as load:
                for _ in range(int(rounds)):
                    for i in range(REPLICAS):
                        status = replace(program, replicas, i, proxy)
                        if status != 0:
                            faults.append('a replica exits with %d' % status)
    finally:
        for replica in replicas:
            replica.__exit__()
    print('\n'.join(faults + load.failures[:20]))
    print('rolling: %d replicas replaced, %s' % (int(rounds) * REPLICAS, load))
    return 1 if faults or load.failures else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
