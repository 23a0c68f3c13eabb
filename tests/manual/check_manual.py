#!/usr/bin/env python3
"""Hold the manual page against the program: every setting and command, and what mandoc says of it.

    python3 tests/manual/check_manual.py build/release/lossd build/lossd.8

The page is made from `lossd --help`; here it is compared with `lossd config`, which prints the table of
settings by other code, and with the words that main.c looks for.
"""
import json
import re
import shutil
import subprocess
import sys


def settings_of(program):
    """Every setting that `lossd config` prints, as a flag."""
    printed = subprocess.run([program, 'config'], check=True, capture_output=True, text=True, env={})
    return ['--' + name.replace('_', '-') for name in json.loads(printed.stdout)]


def commands_of(source):
    """The words that main.c compares its first argument with: the rows of its table, and strcmp."""
    with open(source, encoding='utf-8') as file:
        text = file.read()
    words = re.findall(r'strcmp\(name, "([^"]+)"\)', text) + re.findall(r'\{"(\w+)", \w+\}', text)
    return [word for word in words if len(word) > len('-h')]


def faults_of(program, page):
    """Yields a sentence for everything that is missing or badly written."""
    shown = subprocess.run(['mandoc', '-T', 'ascii', page], check=True, capture_output=True, text=True)
    text = re.sub('.\b', '', shown.stdout)
    words = set(re.findall(r'[\w-]+', text))
    expected = settings_of(program) + commands_of('src/main.c')
    for word in expected:
        if word not in words:
            yield '%s does not stand in %s' % (word, page)
    if '@' in text:
        yield '%s has a place that was not filled' % page
    lint = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', page], capture_output=True,
                          text=True)
    yield from lint.stdout.splitlines()
    print('manual: %d settings and commands' % len(expected))


def main(program, page):
    if shutil.which('mandoc') is None:
        raise SystemExit('manual: there is no mandoc here; `make deps-check` installs it')
    faults = list(faults_of(program, page))
    print('\n'.join(faults) if faults else 'manual: nothing is missing, and mandoc finds no fault')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
