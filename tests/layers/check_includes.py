#!/usr/bin/env python3
"""Hold every #include of src and include against tests/layers/rooms.txt; exit 1 if one does not fit.

    python3 tests/layers/check_includes.py [ROOT]

Besides the rules of that file: includes of our own name their room ("codec/scan.h"); libloss includes
nothing but the C library and itself; and no private header is a hub, included from more than half of
all files.
"""
import collections
import pathlib
import re
import sys

LIBRARIES = ('jansson.h', 'microhttpd.h', 'uv.h', 'curl/curl.h', 'cmocka.h', 'zlib.h', 'seccomp.h',
             'gnutls/gnutls.h', 'gnutls/abstract.h', 'gnutls/x509.h')
HUB_SHARE = 0.5


def read_rules(path):
    """(rooms that a room may include, files that may include a library)."""
    rooms, doors = {}, {}
    for line in path.read_text().splitlines():
        words = line.split('#')[0].split()
        if words:
            (doors if words[0].startswith('<') else rooms)[words[0].strip('<>')] = set(words[1:])
    return rooms, doors


def room_of(path):
    """The room of a file, given by its path from the root."""
    parts = path.parts
    if parts[0] == 'include':
        return 'loss'
    if len(parts) > 2:
        return parts[1]
    return 'config' if path.stem.startswith('config') else 'main'


def room_of_header(header):
    """The room that an include of ours names."""
    if '/' in header:
        return header.split('/')[0]
    return 'config' if header.startswith('config') else 'main'


def faults_of(root):
    """Yields a sentence for each include that breaks a rule."""
    rooms, doors = read_rules(root / 'tests/layers/rooms.txt')
    files = sorted(root.glob('include/**/*.h')) + sorted(root.glob('src/**/*.[ch]'))
    included_by = collections.Counter()
    for file in files:
        path = file.relative_to(root)
        room = room_of(path)
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            kind, header = match.groups()
            place = '%s:%d' % (path, number)
            if kind == '<':
                if header in LIBRARIES and str(path) not in doors.get(header, ()):
                    yield '%s: <%s> is only for %s' % (
                        place, header, ' '.join(sorted(doors.get(header, ['the tests']))))
                continue
            if not (root / 'src' / header).exists() and not (root / 'include' / header).exists():
                yield '%s: "%s" does not name its room' % (place, header)
            elif room_of_header(header) not in rooms[room]:
                yield '%s: %s may not include %s ("%s")' % (
                    place, room, room_of_header(header), header)
            included_by[header] += 1
    for header, count in included_by.items():
        if not header.startswith('loss/') and count > HUB_SHARE * len(files):
            yield '%s is included by %d of %d files: a hub' % (header, count, len(files))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.')
    faults = list(faults_of(root))
    print('\n'.join(faults) if faults else 'layers: every include fits its room')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
