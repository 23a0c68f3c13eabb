"""lossd as a process, on a port that the kernel chose unless told otherwise, and the calls to it.

For tests in Python, which `make` runs with this directory in PYTHONPATH.
"""
import http.client
import json
import os
import re
import subprocess


class Daemon:
    """Started by `with`, stopped by SIGTERM at its end; `status` is then its exit status."""

    def __init__(self, program, *settings, port=0, log=subprocess.DEVNULL):
        self.command = [program, '--listen-port', str(port), *settings]
        self.log = log
        self.status = None

    def __enter__(self):
        # Settings of whoever runs the test are none of its.
        environment = {name: value for name, value in os.environ.items() if not name.startswith('LOSSD_')}
        self.process = subprocess.Popen(self.command, text=True, env=environment,
                                        stdout=subprocess.PIPE, stderr=self.log)
        greeting = self.process.stdout.readline()
        address = re.search(r'http://(\S+)', greeting)
        if address is None:
            self.process.terminate()
            raise SystemExit('lossd does not start: %r' % greeting)
        self.connection = http.client.HTTPConnection(address.group(1), timeout=30)
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.status = self.process.wait(timeout=30)
        self.process.stdout.close()

    @property
    def address(self):
        return '%s:%d' % (self.connection.host, self.connection.port)

    def get(self, path):
        """(status, text) of one call."""
        self.connection.request('GET', path)
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def settings(self):
        """The settings in effect of a daemon like this one."""
        printed = subprocess.run([self.command[0], 'config', *self.command[1:]], check=True,
                                 capture_output=True, text=True)
        return json.loads(printed.stdout)

    def post(self, path, body, headers):
        """(status, reply) of one call that is answered in JSON.  Raises OSError or HTTPException if
        there is no reply."""
        self.connection.request('POST', path, body, headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def evaluate(self, body):
        return self.post('/v1/evaluate', json.dumps(body), {'Content-Type': 'application/json'})
