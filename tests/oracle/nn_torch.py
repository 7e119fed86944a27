#!/usr/bin/env python3
"""nn_torch - holds the engines against PyTorch: same network, weights, images.

    nn_torch.py PROBE names     names and shapes are those of PyTorch's state_dict
    nn_torch.py PROBE compare   loss, g, gp, running statistics, evaluation, of every engine

PyTorch computes in double precision. gp is the gradient at w + rho * g / ||g||, rounded to single
precision as a training loop stores it. Weights: as initialised, and after steps of training. Prints
a table of relative differences, marks those above their tolerance and then exits with status 1.
"""
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

BLOCKS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3]}
RHO = 0.1


class Block(nn.Module):
    """Two 3x3 convolutions, and a shortcut that projects where the shape changes."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResNet(nn.Module):
    """The residual network for 32x32 images of He et al. (2016), as nn/arch.h describes it."""

    def __init__(self, depth, width, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        last = width
        for stage, blocks in enumerate(BLOCKS[depth]):
            out = width << stage
            layers = []
            for number in range(blocks):
                layers.append(Block(last, out, 2 if stage > 0 and number == 0 else 1))
                last = out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(last, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.linear(x.mean(dim=(2, 3)))


def floats(tensors):
    """One flat single-precision array of a network's tensors."""
    return np.concatenate([t.detach().double().numpy().ravel() for t in tensors]).astype(np.float32)


def running(network):
    return [b for name, b in network.named_buffers() if "running" in name]


def put(tensors, values):
    """Writes a flat array into a network's tensors."""
    at = 0
    with torch.no_grad():
        for t in tensors:
            t.copy_(torch.from_numpy(values[at:at + t.numel()].reshape(t.shape)))
            at += t.numel()


class Case:
    """A network, a minibatch, and the probe that runs an engine on both."""

    def __init__(self, probe, depth, width, channels, classes, batch):
        self.probe = probe
        self.shape = [depth, width, channels, classes]
        self.name = f"resnet{depth} width {width} batch {batch}"
        torch.manual_seed(depth * 1000 + width)
        self.network = ResNet(*self.shape).double()
        # An image is its class's pattern under noise, so that there is something to learn.
        patterns = torch.randn(classes, channels, 32, 32)
        self.labels = torch.randint(classes, (batch,))
        self.images = (patterns[self.labels] + torch.randn(batch, channels, 32, 32)).float()
        self.round()

    def round(self):
        """Weights and statistics that single precision holds exactly."""
        for tensors in (list(self.network.parameters()), running(self.network)):
            put(tensors, floats(tensors).astype(np.float64))

    def train(self, steps):
        optimizer = torch.optim.SGD(self.network.parameters(), lr=0.05, momentum=0.9)
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(self.network(self.images.double()), self.labels).backward()
            optimizer.step()
        self.round()

    def engine(self, task, kernels, conv, weights, statistics, threads=2):
        arguments = [self.probe, kernels, conv, *self.shape, len(self.labels), threads, task]
        data = (weights.tobytes() + statistics.tobytes() + self.images.numpy().tobytes()
                + self.labels.numpy().astype(np.uint8).tobytes())
        out = subprocess.run([str(a) for a in arguments], input=data, check=True,
                             stdout=subprocess.PIPE).stdout
        loss, correct = np.frombuffer(out, np.float64, 2)
        arrays = np.frombuffer(out, np.float32, -1, 16)
        return loss, correct, arrays[:len(weights)], arrays[len(weights):]

    def torch(self, weights, statistics, dtype, training=True):
        network = ResNet(*self.shape).to(dtype)
        put(network.parameters(), weights)
        put(running(network), statistics)
        network.train(training)
        logits = network(self.images.to(dtype))
        loss = F.cross_entropy(logits, self.labels)
        correct = (logits.argmax(1) == self.labels).sum().item()
        if not training:
            return loss.item(), correct, None, None
        loss.backward()
        gradient = np.concatenate([p.grad.double().numpy().ravel() for p in network.parameters()])
        after = np.concatenate([b.double().numpy() for b in running(network)])
        return loss.item(), correct, gradient, after


def relative(a, b):
    """||a - b|| / ||b||"""
    return np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b)


COLUMNS = ("loss", "g", "perturbed loss", "gp", "statistics", "evaluated loss", "answers")
# An engine in double precision writes single-precision results: held against PyTorch's, rounded
# likewise, they differ only where a value lies at the edge between two floats.
EXACT = dict(zip(COLUMNS, (1e-13, 1e-9, 1e-13, 1e-9, 1e-8, 1e-13, 0)))
# In single precision gradients agree to about 1e-6, until rounding decides the sign of one value
# before a ReLU. That moves them by up to 1e-2, in PyTorch too, and happens in about half of the
# cases here. An error of an engine is in all cases, so the lower quartile of each quantity is held
# tightly, and the largest gradient difference loosely; what no ReLU can tip is always held tightly.
SINGLE = dict(zip(COLUMNS, (2e-6, 3e-2, 2e-6, 3e-2, 2e-6, 2e-6, 0)))
QUARTILE = dict(zip(COLUMNS, (1e-6, 1e-5, 1e-6, 1e-5, 1e-6, 1e-6, 0)))


def rounded(values):
    return values.astype(np.float32).astype(np.float64)


def differences(seen, want):
    """Of three results: at the weights, at the perturbed weights, in evaluation."""
    here, there, evaluated = zip(seen, want)
    return dict(zip(COLUMNS, (
        abs(here[0][0] / here[1][0] - 1), relative(here[0][2], rounded(here[1][2])),
        abs(there[0][0] / there[1][0] - 1), relative(there[0][2], rounded(there[1][2])),
        relative(here[0][3], rounded(here[1][3])), abs(evaluated[0][0] / evaluated[1][0] - 1),
        sum(abs(a[1] - b[1]) for a, b in (here, there, evaluated)))))


def print_row(name, row, tolerance):
    """The row, failures marked; true if there is one."""
    bad = {column for column in COLUMNS if not row[column] <= tolerance[column]}
    print(f"  {name:16}", *(f"{row[c]:>{len(c) + 7}.1e}{'!' if c in bad else ' '}" for c in COLUMNS))
    return bool(bad)


def print_header():
    print(f"  {'':16}", *(f"{c:>{len(c) + 7}} " for c in COLUMNS))


def compare(case, engines):
    """Prints all engines with the case's weights as they are now; returns their differences."""
    weights, statistics = floats(case.network.parameters()), floats(running(case.network))
    here = case.torch(weights, statistics, torch.float64)
    step = RHO * here[2] / np.linalg.norm(here[2])
    perturbed = (weights.astype(np.float64) + step).astype(np.float32)

    def three(run):
        return run(weights, True), run(perturbed, True), run(weights, False)

    want = three(lambda w, training: case.torch(w, statistics, torch.float64, training))
    single = three(lambda w, training: case.torch(w, statistics, torch.float32, training))
    print_header()
    print_row("PyTorch, single", differences(single, want), dict.fromkeys(COLUMNS, np.inf))
    rows = []
    for kernels, conv in engines:
        rows.append(differences(three(lambda w, training: case.engine(
            "gradient" if training else "evaluate", kernels, conv, w, statistics)), want))
        print_row(f"{kernels}, {conv}", rows[-1], EXACT if kernels == "double" else SINGLE)
    return rows


def summarise(name, engines, cases, of, single):
    """A row an engine of some statistic of its differences; true if one is above tolerance."""
    print(name)
    print_header()
    failed = False
    for i, (kernels, conv) in enumerate(engines):
        row = {c: of([rows[i][c] for rows in cases]) for c in COLUMNS}
        failed |= print_row(f"{kernels}, {conv}", row, EXACT if kernels == "double" else single)
    return failed


def lower_quartile(values):
    return sorted(values)[len(values) // 4 - 1]


def engines_of(probe):
    """Every engine, in both ways of convolving where it has two."""
    names = subprocess.run([probe, "kernels"], check=True, stdout=subprocess.PIPE,
                           universal_newlines=True).stdout.split()
    return [(name, conv) for name in names for conv in ("fast", "direct")
            if conv == "fast" or name not in ("plain", "double")]


def compare_all(probe):
    engines = engines_of(probe)
    cases = []
    for depth, width, channels, classes, batch in (
            (18, 4, 3, 10, 16), (18, 8, 1, 10, 21), (18, 16, 3, 100, 16), (34, 4, 3, 100, 16)):
        case = Case(probe, depth, width, channels, classes, batch)
        print(f"{case.name}, as initialised")
        cases.append(compare(case, engines))
        case.train(5)
        print(f"{case.name}, after 5 steps of training")
        cases.append(compare(case, engines))
    failed = summarise("largest of all cases", engines, cases, np.max, SINGLE)
    failed |= summarise("lower quartile of all cases", engines, cases, lower_quartile, QUARTILE)
    return failed


def compare_names(probe):
    failed = False
    for shape in ((18, 64, 3, 100), (34, 16, 1, 10)):
        out = subprocess.run([probe, "double", "direct", *map(str, shape), "1", "1", "tensors"],
                             check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
        network = ResNet(*shape)
        parameters = dict(network.named_parameters())
        lines = {True: [], False: []}
        for name, tensor in network.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                lines[name in parameters].append(" ".join([name, *map(str, tensor.shape)]))
        want = "\n".join(lines[True]) + "\n\n" + "\n".join(lines[False]) + "\n"
        count = sum(p.numel() for p in network.parameters())
        print(f"resnet{shape[0]} width {shape[1]}: {len(lines[True])} parameter tensors, "
              f"{len(lines[False])} buffers, {count} parameters: "
              f"{'the same' if out == want else 'DIFFERENT'}")
        failed |= out != want
    return failed


def main():
    probe, task = sys.argv[1:]
    torch.set_num_threads(2)
    failed = {"names": compare_names, "compare": compare_all}[task](probe)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
