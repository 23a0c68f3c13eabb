"""Hours of mixed traffic, and whether anything grows (row 105).

    PYTHONPATH=tests/support python3 tests/soak/soak.py LOSSD [SECONDS]

In rounds of a few seconds, clients of all kinds call the daemon; after each, when nobody is there any
more, its memory, its descriptors and its gauges are looked at.  The exit status is 1 if a reply was
wrong, if something was left behind, if descriptors or the log grew, or if over the second half memory
grew by more than chance explains.
"""
import collections
import http.client
import os
import re
import sys
import tempfile
import threading
import time

import traffic
from daemon import Daemon

ROUND_S, ROUNDS_MIN = 5, 8
WELL_BEHAVED, BAD = 3, 2
RUDE_PER_S = 40  # connections, of each bad client
T_MAX = 3.0  # how many of its standard errors a slope may be
GROWTH_KB_MAX = 2048  # over the second half: what threads have freed comes and goes by a third of it
PATIENCE_S = 30
SLOW_MS = 1000  # for the headers, and before a body is looked at
# Little is kept for later requests, so that what grows is not lost in what comes and goes.
SETTINGS = ['--workers', '2', '--header-timeout-ms', str(SLOW_MS), '--body-rate-grace-ms',
            str(SLOW_MS), '--pool-bytes-max', '1048576']


class Soak:
    def __init__(self, process, port):
        self.process, self.port = process, port
        self.statuses = collections.Counter()
        self.wrong = []
        self.good_asked = self.good_answered = self.good_late = 0
        self.lock = threading.Lock()
        self.samples = []  # (seconds, kilobytes, descriptors)
        self.good = traffic.good_requests()
        self.want = {}
        self.descriptors = 0  # when nobody is there but who asks

    def note(self, status, problem=None):
        with self.lock:
            self.statuses[status] += 1
            if problem is not None:
                self.wrong.append(problem)

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE_S)

    def learn(self):
        connection = self.connect()
        for i, (path, headers, body) in enumerate(self.good):
            status, reply = traffic.ask(connection, 'POST', path, headers, body)
            if status != 200:
                raise SystemExit('request %d is answered %d: %r' % (i, status, reply[:200]))
            self.want[i] = reply
        self.descriptors = self.metric(connection, 'process_open_fds')
        connection.close()

    def well_behaved(self, random_, end):
        connection = self.connect()
        while time.monotonic() < end:
            for i, (path, headers, body) in traffic.shuffled(enumerate(self.good), random_):
                status, reply = traffic.ask(connection, 'POST', path, headers, body)
                # 408: the machine is so busy that it took a second to send a request.
                right = status in (408, 503) or (status == 200 and reply == self.want[i])
                self.note(status, None if right else 'good request %d: %d %r' % (i, status, reply[:200]))
                with self.lock:
                    self.good_asked += 1
                    self.good_answered += status == 200
                    self.good_late += status == 408
        connection.close()

    def bad(self, random_, end):
        connection, left = self.connect(), []
        while time.monotonic() < end:
            for method, path, headers, body, want in traffic.shuffled(traffic.REFUSED, random_):
                status, reply = traffic.ask(connection, method, path, headers, body)
                # What closes before all is read may lose its reply.
                right = status in (want, 408, 503) or (status == 0 and want in (413, 415, 431))
                self.note(status, None if right else '%s %s: want %d, got %d %r' %
                          (method, path, want, status, reply[:200]))
            for _ in range(RUDE_PER_S // 4):
                left.append(traffic.rude(self.port, random_))
                self.note('rude')
            while len(left) > 10:
                left.pop(random_.randrange(len(left))).close()
            time.sleep(0.25)
        for each in left:
            each.close()
        connection.close()

    def metric(self, connection, name):
        _, text = traffic.ask(connection, 'GET', '/metrics', {}, None)
        match = re.search(r'^%s (\S+)$' % name, text.decode(), re.M)
        return float(match.group(1)) if match else -1.0

    def settle(self):
        """Wait until all is as it was; then take a sample."""
        connection = self.connect()
        end = time.monotonic() + PATIENCE_S
        for name, want in (('lossd_connections', 1), ('lossd_in_flight_requests', 1),
                           ('lossd_queue_jobs', 0), ('lossd_workers_busy', 0)):
            while self.metric(connection, name) != want:
                if time.monotonic() > end:
                    self.wrong.append('%s does not return to %g' % (name, want))
                    break
                time.sleep(0.02)
        descriptors = self.metric(connection, 'process_open_fds')
        while descriptors > self.descriptors and time.monotonic() < end:
            time.sleep(0.02)  # some clients still send, and are listened to for a moment
            descriptors = self.metric(connection, 'process_open_fds')
        with open('/proc/%d/statm' % self.process.pid) as file:
            kilobytes = int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE') // 1024
        connection.close()
        return kilobytes, descriptors

    def run(self, seconds):
        start, seed = time.monotonic(), 0
        while time.monotonic() - start < seconds or len(self.samples) < ROUNDS_MIN:
            end = time.monotonic() + ROUND_S
            threads = []
            for i in range(WELL_BEHAVED + BAD):
                seed += 1
                target = self.well_behaved if i < WELL_BEHAVED else self.bad
                threads.append(threading.Thread(target=target, args=(traffic.dice(seed), end)))
                threads[-1].start()
            for thread in threads:
                thread.join()
            kilobytes, descriptors = self.settle()
            self.samples.append((time.monotonic() - start, kilobytes, descriptors))
            if self.process.poll() is not None:
                self.wrong.append('the daemon has ended with %d' % self.process.returncode)
                return


def fit(points):
    """The slope of a line through (x, y), and its standard error."""
    n = len(points)
    mean_x, mean_y = (sum(p[i] for p in points) / n for i in (0, 1))
    of_x = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / of_x
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope, (rest / (n - 2) / of_x) ** 0.5


def judge(soak, log_bytes):
    half = soak.samples[len(soak.samples) // 2:]
    if len(half) < ROUNDS_MIN // 2:  # the daemon has ended
        return
    slope, error = fit([(seconds / 60, kilobytes) for seconds, kilobytes, _ in half])
    growth = slope * (half[-1][0] - half[0][0]) / 60
    descriptors = {count for _, _, count in soak.samples}
    print('requests:', ', '.join('%s %d' % item for item in sorted(soak.statuses.items(), key=str)))
    print('memory: %d KB after the first round, %d KB at the end; over the second half '
          '%+.1f KB/min, standard error %.1f' % (soak.samples[0][1], half[-1][1], slope, error))
    print('descriptors when nobody is there:', *('%g' % count for count in sorted(descriptors)))
    print('log: %d bytes' % log_bytes)
    if soak.good_answered < soak.good_asked / 2:
        soak.wrong.append('only %d of %d good requests have a result' % (soak.good_answered, soak.good_asked))
    if soak.good_late > soak.good_asked / 1000:
        soak.wrong.append('%d of %d good requests are late' % (soak.good_late, soak.good_asked))
    if growth > GROWTH_KB_MAX and slope > T_MAX * error:
        soak.wrong.append('memory grows')
    if len(descriptors) != 1:
        soak.wrong.append('descriptors are not given back')
    if log_bytes > 0:
        soak.wrong.append('the log grows')


def main():
    program, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1800.0
    with tempfile.TemporaryFile() as log:
        with Daemon(program, *SETTINGS, log=log) as lossd:
            soak = Soak(lossd.process, lossd.connection.port)
            soak.learn()
            before = log.seek(0, 2)
            soak.run(seconds)
            judge(soak, log.seek(0, 2) - before)
    if lossd.status != 0:
        soak.wrong.append('the daemon ends with %d' % lossd.status)
    for problem in soak.wrong[:20]:
        print('WRONG:', problem)
    print('soak: %d s, %d wrong' % (seconds, len(soak.wrong)))
    return 1 if soak.wrong else 0


if __name__ == '__main__':
    sys.exit(main())
