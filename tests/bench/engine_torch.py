#!/usr/bin/env python3
"""The speed of PyTorch on the network of tests/bench/engine.c: forward and backward.

    engine_torch.py WIDTH BATCH THREADS SECONDS

prints one CSV row: images per second (of the fastest step), largest resident set in MB. Layout is
channels_last; what the allocator does with memory is set by the caller's environment.
"""
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))"""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


def resnet18(width, classes=100):
    """ResNet-18 for 32x32 images."""
    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for stage in range(4):
        out = width << stage
        layers += [Block(channels, out, 2 if stage else 1), Block(out, out, 1)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(channels, classes))


def main():
    width, batch, threads = map(int, sys.argv[1:4])
    seconds = float(sys.argv[4])
    torch.set_num_threads(threads)
    network = resnet18(width).to(memory_format=torch.channels_last)
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
