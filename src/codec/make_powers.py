#!/usr/bin/env python3
"""Write src/codec/powers_table.inc: the powers of ten that reading and writing decimals multiplies by.

    python3 src/codec/make_powers.py > src/codec/powers_table.inc

Row q holds the first 128 bits of 5**q, the top one set, for q = -342 .. 324.  Positive powers are cut
off; 5**-27 .. 5**-1 are rounded up, smaller ones cut off, as the proof of the reading algorithm wants
them (D. Lemire, "Number parsing at a gigabyte per second", Softw. Pract. Exper. 51, 2021).  The
result is committed, and a unit test computes it a second way.
"""
LOWEST, HIGHEST = -342, 324


def significand(q):
    """The 128-bit integer of row q."""
    if q >= 0:
        power = 5 ** q
        shift = power.bit_length() - 128
        return power >> shift if shift > 0 else power << -shift
    power = 5 ** -q
    shift = power.bit_length() + 127            # 2**shift / power has 128 bits, as power is no 2**n
    return (1 << shift) // power + (1 if q >= -27 else 0)


print('/* powers_table.inc - made by make_powers.py; do not edit. */')
for exponent in range(LOWEST, HIGHEST + 1):
    value = significand(exponent)
    assert value.bit_length() == 128
    print('{0x%016xu, 0x%016xu}, /* %d */' % (value >> 64, value & (2 ** 64 - 1), exponent))
