#!/usr/bin/env python3
"""Run the examples beside this file against a daemon, and compare what they print with their README.md.

    PYTHONPATH=tests/support python3 tests/examples/check_examples.py build/lossd VENV

Python examples are run by the Python of VENV, the virtual environment of `make conformance`; what it lacks
is named, and those examples are not run.  The losses of training.py depend on the machine in their last
digits: they must fall from epoch to epoch; the program itself compares each with PyTorch's.
"""
import os
import pathlib
import re
import subprocess
import sys

from daemon import Daemon

FOLDER = pathlib.Path('tests/examples')
PATIENCE_S = 120


def sections():
    """{program: what it prints} by README.md: a heading with its name, and the next block of text."""
    text = (FOLDER / 'README.md').read_text(encoding='utf-8')
    return dict(re.findall(r'^## `(\S+)`\n.*?^```text\n(.*?)^```$', text, re.M | re.S))


def command_for(program, venv):
    """How to run a program, and what is missing to do it."""
    path = str(FOLDER / program)
    if program.endswith('.sh'):
        return ['sh', path], None
    if program.endswith('.mjs'):
        return ['node', path], None
    python = os.path.join(venv, 'bin/python')
    modules = re.findall(r'^(?:import|from) (\w+)', pathlib.Path(path).read_text(encoding='utf-8'), re.M)
    if not os.access(python, os.X_OK):
        return None, 'there is no %s: make conformance' % python
    for module in modules:
        if subprocess.run([python, '-c', 'import ' + module], capture_output=True).returncode != 0:
            return None, '%s has no module %s' % (venv, module)
    return [python, path], None


def falls(text):
    """Whether each loss that training.py prints is below the one before."""
    losses = [float(loss) for loss in re.findall(r'validation loss (\S+),', text)]
    return len(losses) > 1 and losses == sorted(losses, reverse=True)


def main(lossd_program, venv):
    faults, ran, expected = [], 0, sections()
    programs = {path.name for path in FOLDER.iterdir() if path.is_file()} - {'README.md', 'check_examples.py'}
    if programs != expected.keys():
        faults.append('README.md describes other programs than there are: %s' % (programs ^ expected.keys()))
    with Daemon(lossd_program) as lossd:
        environment = {**os.environ, 'EVALUATE_URL': 'http://' + lossd.address}
        for program in sorted(programs & expected.keys()):
            command, missing = command_for(program, venv)
            if missing:
                print('examples: %s was NOT run: %s' % (program, missing))
                continue
            run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
            is_right = falls(run.stdout) if program == 'training.py' else run.stdout == expected[program]
            if run.returncode != 0 or not is_right:
                faults.append('%s exits with %d and prints\n%s%s' % (program, run.returncode, run.stdout,
                                                                     run.stderr))
            ran += 1
    print('\n'.join(faults + ['examples: %d ran, %d faults' % (ran, len(faults))]))
    return 1 if faults or ran == 0 else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
