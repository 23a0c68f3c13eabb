"""NVIDIA's perf_analyzer for some seconds, on data in its own format.  To run: check_clients.py.

Its wheel is made for glibc 2.38, which Debian 12 has not."""
import csv
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile


CLIENT = 'perf_analyzer'
MILLISECONDS = '1500'  # of each of three measurements
ANY = '999'  # per cent by which they may differ: on a busy machine they do


def find():
    """The program itself: the wheel's script of this name hides its exit status."""
    package = importlib.util.find_spec(CLIENT)
    if package is not None and package.origin is not None:
        program = os.path.join(os.path.dirname(package.origin), 'bin', CLIENT)
        if os.path.exists(program):
            return program
    return shutil.which(CLIENT)


def command(program, address, case, data, report):
    shapes = [option for name, _, array in case.inputs()
              for option in ('--shape', '%s:%s' % (name, ','.join(map(str, array.shape))))]
    return [program, '-m', case.model, '-u', address, '-i', 'http', '--input-data', data, *shapes,
            '--concurrency-range', '2', '--measurement-interval', MILLISECONDS, '-s', ANY,
            '-r', '3', '-f', report]


def run(tally, cases):
    program = find()
    if program is None:
        tally.skip(CLIENT, 'it is not installed')
        return
    case = cases[0]
    given = {name: {'content': array.flatten().tolist(), 'shape': list(array.shape)}
             for name, _, array in case.inputs()}
    with tempfile.TemporaryDirectory() as directory:
        data, report = (os.path.join(directory, name) for name in ('data.json', 'report.csv'))
        with open(data, 'w', encoding='utf-8') as file:
            json.dump({'data': [given]}, file)
        try:
            done = subprocess.run(command(program, tally.daemon.address, case, data, report),
                                  capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            tally.differ(CLIENT, 'run', error)
            return
        said = done.stdout + done.stderr
        tally.expect(CLIENT, 'exit status of: %s' % said[-600:], done.returncode, 0)
        if done.returncode == 0:
            with open(report, encoding='utf-8') as file:
                row = next(csv.DictReader(file))
            print('perf_analyzer: %s inferences a second' % row['Inferences/Second'])
            tally.expect(CLIENT, 'throughput', float(row['Inferences/Second']) > 0, True)
