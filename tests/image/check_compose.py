#!/usr/bin/env python3
"""Bring up docker/compose.yaml, replace its replicas under load, and look what Prometheus thinks of them.

    PYTHONPATH=tests/support python3 tests/image/check_compose.py DOCKER COMPOSE...

It is a project of its own on ports that the kernel chooses, so it disturbs no other, and is taken down at
the end.  No request may fail, and every replica must end with status 0.
"""
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

from load import Load
from waiting import wait_until

PROJECT = 'lossd-check'
REPLICAS = 3
PATIENCE_S = 60
STOP_S = 35 # stop_grace_period


class Project:
    """What compose makes of the file, from the beginning of a `with` to its end."""

    def __init__(self, docker, compose):
        self.docker_command = [docker]
        self.compose_command = [*compose, '-p', PROJECT, '-f', 'docker/compose.yaml']
        self.environment = {**os.environ, 'HAPROXY_PORT': '0', 'PROMETHEUS_PORT': '0'}

    def compose(self, *arguments):
        return subprocess.run([*self.compose_command, *arguments], env=self.environment, check=True,
                              capture_output=True, text=True).stdout.strip()

    def docker(self, *arguments):
        return subprocess.run([*self.docker_command, *arguments], check=True, capture_output=True,
                              text=True).stdout.strip()

    def __enter__(self):
        try:
            self.compose('up', '-d')
        except subprocess.CalledProcessError as error:
            self.__exit__()
            raise SystemExit('compose: %s' % error.stderr)
        return self

    def __exit__(self, *_):
        self.compose('down', '-t', str(STOP_S))

    def port(self, service, port):
        return int(self.compose('port', service, str(port)).rpartition(':')[2])

    def replicas(self):
        return self.compose('ps', '-q', 'lossd').split()


def get(port, path):
    """The JSON of one reply; None if there is none yet."""
    try:
        with urllib.request.urlopen('http://127.0.0.1:%d%s' % (port, path), timeout=5) as reply:
            return json.load(reply)
    except (OSError, urllib.error.HTTPError):
        return None


def ask_prometheus(port, query):
    """The values of an instant query."""
    reply = get(port, '/api/v1/query?query=' + urllib.request.quote(query))
    return [float(row['value'][1]) for row in reply['data']['result']] if reply else []


def replace(project, prometheus, replica):
    """Stop a replica, which drains, and start it again; its exit status, when it is scraped again."""
    project.docker('stop', '-t', str(STOP_S), replica)
    status = int(project.docker('inspect', '--format', '{{.State.ExitCode}}', replica))
    project.docker('start', replica)
    address = '%s:8080' % project.docker('inspect', '--format',
                                         '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', replica)
    wait_until(lambda: ask_prometheus(prometheus, 'time() - process_start_time_seconds{instance="%s"} < 30'
                                      % address), 'a new replica is scraped', PATIENCE_S)
    return status


def main(docker, *compose):
    faults = []
    with Project(docker, compose) as project:
        haproxy, prometheus = project.port('haproxy', 8080), project.port('prometheus', 9090)
        wait_until(lambda: get(haproxy, '/readyz'), 'HAProxy has a replica', PATIENCE_S)
        wait_until(lambda: ask_prometheus(prometheus, 'count(up{job="lossd"} == 1)') == [REPLICAS],
                   'Prometheus scrapes all replicas', PATIENCE_S)
        with Load(haproxy) as load:
            for replica in project.replicas():
                status = replace(project, prometheus, replica)
                if status != 0:
                    faults.append('a replica ends with status %d' % status)
        groups = get(prometheus, '/api/v1/rules')['data']['groups']
        if sorted(group['name'] for group in groups) != ['lossd-alerts', 'lossd-records']:
            faults.append('Prometheus has other rules: %s' % groups)
        if ask_prometheus(prometheus, 'count(ALERTS{alertstate="firing"})'):
            faults.append('an alert fires: %s' % ask_prometheus(prometheus, 'ALERTS{alertstate="firing"}'))
        if len(ask_prometheus(prometheus, 'lossd_rows_evaluated_total > 0')) != REPLICAS:
            faults.append('a replica has had no request')
    print('\n'.join(faults + load.failures[:20]))
    print('compose: %d replicas replaced, %s' % (REPLICAS, load))
    return 1 if faults or load.failures else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
