#!/usr/bin/env python3
"""Nanoseconds per element of PyTorch's F.cross_entropy on one thread, on the shapes of bench_kernels.c.

    python3 tests/bench/bench_torch.py

Says so and succeeds where there is no PyTorch.
"""
import time

SHAPES = [(65536, 10), (65536, 100), (4096, 1000), (256, 32000), (64, 128000), (16, 19, 512, 512),
          (4, 32000, 128)]
RUNS = 7  # and for MEASURE_S at least
MEASURE_S = 1.0


def main():
    try:
        import torch
    except ImportError:
        print('PyTorch is not installed for this Python: not measured')
        return
    torch.set_num_threads(1)
    for shape in SHAPES:
        x = torch.randn(shape) * 2
        y = torch.randint(shape[1], shape[:1] + shape[2:])
        best = float('inf')
        with torch.no_grad():
            runs, begin = 0, time.perf_counter()
            while runs < RUNS or time.perf_counter() - begin < MEASURE_S:
                start = time.perf_counter()
                torch.nn.functional.cross_entropy(x, y)
                best = min(best, time.perf_counter() - start)
                runs += 1
        print('PyTorch %s  %-20s loss %9.3f' % (torch.__version__, shape, best * 1e9 / x.numel()))


if __name__ == '__main__':
    main()
