#!/usr/bin/env python3
"""The speed of PyTorch on the network of tests/bench/engine.c: forward and backward.

    engine_torch.py WIDTH BATCH THREADS SECONDS

prints one CSV row: images per second (of the fastest step), largest resident set in MB. Layout is
channels_last; what the allocator does with memory is set by the caller's environment.
"""
import pathlib
import resource
import sys
import time

import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "oracle"))
from nn_torch import ResNet  # noqa: E402


def main():
    width, batch, threads = map(int, sys.argv[1:4])
    seconds = float(sys.argv[4])
    torch.set_num_threads(threads)
    network = ResNet(18, width, 3, 100).to(memory_format=torch.channels_last)
    images = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 100, (batch,))

    def step():
        start = time.perf_counter()
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        return time.perf_counter() - start

    step()
    fastest, end = step(), time.perf_counter() + seconds
    while True:
        fastest = min(fastest, step())
        if time.perf_counter() >= end:
            break
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{batch / fastest:.1f},{resident:.0f}")


main()
