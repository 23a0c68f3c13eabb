"""Hold rows.txt against the programs that it names: no row is missing, and each program names its rows.

    python3 tests/faults/check_rows.py
"""
import re
import sys

LAST, LETTERED = 105, ['8a', '8b', '22a', '57a', '74a', '76a', '76b', '78a', '79a', '79b']
NOWHERE = ('none', 'later')


def ordinal(row):
    return int(re.match(r'\d+', row).group())


def rows_of(path):
    """The rows that a program says it shows."""
    text = open('tests/' + path).read()
    found = set(re.findall(r'\{"(\d+[a-z]?)",', text))
    for listed in re.findall(r'\b[Rr]ows? (\d+[a-z]?(?:(?:,| and| to|\s\*)*\s\d+[a-z]?)*)', text):
        before = None
        for word in re.findall(r'\d+[a-z]?|to', listed):
            if word == 'to':
                continue
            if before is not None and re.search(r'\b%s to %s\b' % (before, word), listed):
                found.update(str(n) for n in range(ordinal(before), ordinal(word) + 1))
            found.add(word)
            before = word
    return found


def main():
    faults, seen, named, counts = [], [], {}, dict.fromkeys(NOWHERE, 0)
    for line in open('tests/faults/rows.txt'):
        if line.startswith('#') or not line.strip():
            continue
        row, _, path, _ = re.split(r'\s{2,}', line.strip(), maxsplit=3)
        seen.append(row)
        if path in NOWHERE:
            counts[path] += 1
            continue
        if path not in named:
            named[path] = rows_of(path)
        if row not in named[path]:
            faults.append('row %s: tests/%s does not name it' % (row, path))
    want = sorted([str(n) for n in range(1, LAST + 1)] + LETTERED,
                  key=lambda row: (ordinal(row), row))
    if seen != want:
        faults.append('rows.txt: missing, twice or out of order: %s' %
                      ' '.join(sorted(set(want) ^ set(seen)) or seen))
    for fault in faults:
        print(fault)
    if not faults:
        print('faults: %d rows, shown by %d programs; %d cannot happen, %d are not shown yet' %
              (len(seen), len(named), counts['none'], counts['later']))
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
