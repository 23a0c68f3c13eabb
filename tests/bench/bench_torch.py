#!/usr/bin/env python3
"""Nanoseconds per element of PyTorch's F.cross_entropy and of libloss on one thread, in turns.

    python3 tests/bench/bench_torch.py build/release/tests/bench/bench_kernels

The fastest run of several rounds each, and their ratio: what else the machine does meets both.  Each has the
memory that its users get: PyTorch the C library's (THP_MEM_ALLOC_ENABLE=1 in the environment asks for huge pages),
libloss that of the daemon.  Says so and succeeds where there is no PyTorch.
"""
import subprocess
import sys
import time

SHAPES = [(65536, 10), (65536, 100), (4096, 1000), (256, 32000), (64, 128000), (16, 19, 512, 512),
          (4, 32000, 128)]
ROUNDS = 4
MEASURE_S = 0.5  # of a round


def torch_ns(torch, x, y):
    best, end = float('inf'), time.perf_counter() + MEASURE_S
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.nn.functional.cross_entropy(x, y)
        best = min(best, time.perf_counter() - start)
    return best * 1e9 / x.numel()


def libloss_ns(program, shape):
    inner = 1
    for size in shape[2:]:
        inner *= size
    return float(subprocess.check_output([program, str(shape[0]), str(shape[1]), str(inner)]))


def main():
    try:
        import torch
    except ImportError:
        print('PyTorch is not installed for this Python: not measured')
        return
    torch.set_num_threads(1)
    print('%-22s PyTorch %s   libloss   of it' % ('loss', torch.__version__))
    for shape in SHAPES:
        x = torch.randn(shape) * 2
        y = torch.randint(shape[1], shape[:1] + shape[2:])
        theirs = ours = float('inf')
        with torch.no_grad():
            for _ in range(ROUNDS):
                theirs = min(theirs, torch_ns(torch, x, y))
                ours = min(ours, libloss_ns(sys.argv[1], shape))
        print('%-22s %20.3f %9.3f %7.2f' % (shape, theirs, ours, ours / theirs), flush=True)


if __name__ == '__main__':
    main()
