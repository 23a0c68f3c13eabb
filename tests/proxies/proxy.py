"""HAProxy and nginx as processes in front of replicas of lossd, on a port that the kernel chose.

To run: check_rolling.py, check_smuggling.py.  Both proxies inherit their listening socket, so no port is
guessed.  The replicas listen on an address of loopback that no client's port is taken from: so a replica
that was stopped can be started again on its port.
"""
import http.client
import os
import shutil
import socket
import subprocess
import tempfile

from waiting import wait_until

REPLICA_ADDRESS = '127.0.0.2'
PATIENCE_S = 20


def find_program(name):
    """Where a proxy is: installed, or unpacked by `make deps-proxies`."""
    program = shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin') or 'build/tools/' + name
    if not os.access(program, os.X_OK):
        raise SystemExit('there is no %s here: make deps-proxies' % name)
    return os.path.abspath(program)


def put_in_place(text, old, new):
    """The text with the line that begins with `old`, of which there must be one, replaced."""
    lines = text.splitlines()
    places = [i for i, line in enumerate(lines) if line.strip().startswith(old)]
    if len(places) != 1:
        raise SystemExit('%d lines begin with %s, not 1' % (len(places), old))
    lines[places[0]] = new
    return '\n'.join(lines) + '\n'


class Proxy:
    """Started by `with`, and ended at its end."""

    def __init__(self, addresses):
        self.addresses = addresses

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.socket.set_inheritable(True)
        self.port = self.socket.getsockname()[1]
        self.log = open(self.path('log'), 'w+', encoding='utf-8')
        self.process = self.start()
        wait_until(self.answers, '%s answers' % type(self).__name__)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)
        self.log.close()
        self.socket.close()
        self.directory.cleanup()

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def run(self, *command, **environment):
        return subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                pass_fds=[self.socket.fileno()], env={**os.environ, **environment})

    def answers(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise SystemExit('%s does not start: %s' % (type(self).__name__, self.log.read()))
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE_S)
        try:
            connection.request('GET', '/readyz')
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class HAProxy(Proxy):
    """By config/haproxy.cfg, in which only the places are changed; `rule` is one more of its frontend."""

    def __init__(self, addresses, rule=''):
        super().__init__(addresses)
        self.rule = rule

    def start(self):
        with open('config/haproxy.cfg', encoding='utf-8') as file:
            text = file.read()
        servers = ['    server lossd%d %s' % (i, address) for i, address in enumerate(self.addresses)]
        text = put_in_place(text, 'bind ', '    bind fd@%d\n%s' % (self.socket.fileno(), self.rule))
        text = put_in_place(text, 'server-template ', '\n'.join(servers))
        text = put_in_place(text, 'maxconn ', '    stats socket %s' % self.path('stats'))
        return self.run(find_program('haproxy'), '-db', '-f', self.write('haproxy.cfg', text))

    def replicas_up(self):
        """How many replicas it thinks are ready."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path('stats'))
            connection.sendall(b'show stat\n')
            lines = b''.join(iter(lambda: connection.recv(65536), b'')).decode().splitlines()
        names = lines[0].lstrip('# ').split(',')
        rows = [dict(zip(names, line.split(','))) for line in lines[1:] if line]
        return sum(row['status'] == 'UP' and row['svname'] != 'BACKEND' for row in rows)


class Nginx(Proxy):
    """As people have it in front of a service: bodies are passed on as they come, connections kept."""

    def __init__(self, addresses, rule=''):
        super().__init__(addresses)
        self.rule = rule

    def start(self):
        text = '''daemon off; pid %(directory)s/pid; error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(directory)s/body; proxy_temp_path %(directory)s/proxy;
    fastcgi_temp_path %(directory)s/f; uwsgi_temp_path %(directory)s/u; scgi_temp_path %(directory)s/s;
    upstream replicas { %(servers)s keepalive 16; }
    server {
        listen 127.0.0.1:%(port)d;
        %(rule)s
        location / {
            proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_request_buffering off;
        }
    }
}
''' % {'directory': self.directory.name, 'port': self.port, 'rule': self.rule,
       'servers': ' '.join('server %s;' % address for address in self.addresses)}
        return self.run(find_program('nginx'), '-p', self.directory.name, '-e', 'stderr', '-c',
                        self.write('nginx.conf', text), NGINX='%d;' % self.socket.fileno())
