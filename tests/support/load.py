"""Clients that ask for losses without a pause, and count what fails.

Half of them keep their connection, half make a new one for each request; two of three requests are large
enough to go to a worker, one of them larger than a proxy's buffers.  To run:
tests/proxies/check_rolling.py, tests/image/check_compose.py.
"""
import http.client
import json
import threading

CLIENTS = 8
PATIENCE_S = 20
LARGE_ROWS = 1000 # some 12 kB: above inline_bytes_max
HUGE_ROWS = 25000 # some 300 kB


def bodies():
    """(body, what the reply must hold): one row, and many of it.  The loss of a row of (2, 1) whose class
    is the first is log(1 + 1/e)."""
    for rows in (1, LARGE_ROWS, HUGE_ROWS):
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


class Load:
    """The clients of one port of this machine, from the beginning of a `with` to its end."""

    def __init__(self, port):
        self.stop = threading.Event()
        self.clients = [Client(port, i % 2 == 0, self.stop) for i in range(CLIENTS)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for client in self.clients:
            client.join()

    @property
    def failures(self):
        """A sentence for each request that failed, and for each client that had no answer at all."""
        idle = ['a client had no answer' for client in self.clients if client.answered == 0]
        return idle + [failure for client in self.clients for failure in client.failures]

    def __str__(self):
        return '%d requests answered, %d failed' % (sum(client.answered for client in self.clients),
                                                    len(self.failures))
