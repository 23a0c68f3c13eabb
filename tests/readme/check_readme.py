#!/usr/bin/env python3
"""Run the console examples of README.md against the daemon and compare what they print.

    PYTHONPATH=tests/support python3 tests/readme/check_readme.py build/release/lossd

In a block marked `console`, a line "$ command" is run by sh, and the lines up to the next command are
what it must print, to the letter.  The examples talk to port 8080; here the kernel picks the port.
"""
import re
import subprocess
import sys

from daemon import Daemon


def examples(text):
    """Yields (command, expected output) for every command of every console block."""
    for block in re.findall(r'^```console\n(.*?)^```$', text, re.M | re.S):
        for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
            command, _, expected = part.partition('\n')
            yield command, expected


def main(program):
    different = count = 0
    with Daemon(program) as lossd:
        greeting = lossd.process.stdout.readline().partition('try:')[2].strip()
        for command, expected in examples(open('README.md', encoding='utf-8').read()):
            got = subprocess.run(command.replace('127.0.0.1:8080', lossd.address), shell=True,
                                 capture_output=True, text=True, timeout=30)
            count += 1
            if got.stdout != expected:
                different += 1
                print('README: %s\nexpected: %sgot:      %s%s'
                      % (command, expected, got.stdout, got.stderr))
        pasted = subprocess.run(greeting, shell=True, capture_output=True, text=True, timeout=30)
        if '"correct":3' not in pasted.stdout:
            different += 1
            print('the line that the daemon prints to try does not work: %s' % greeting)
    print('readme: %d examples, %d differ' % (count, different))
    return 1 if different or count == 0 or lossd.status != 0 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
