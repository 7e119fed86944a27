#!/usr/bin/env python3
"""train_torch - holds training against PyTorch: same weights, images, order, settings.

    train_torch.py make FOLDER    writes a CIFAR-10 set of a few images
    train_torch.py BIN FOLDER     compares, with the tools in BIN

Each arm trains a small network with train-sam --kernels double, which dumps the gradients of every
step. Here PyTorch follows in double precision: at its own weights it computes g and gp of the images
that the step must have seen, and compares. Then it steps with the gradients of the record, by the
arm's definition and PyTorch's own SGD and schedule. (With its own gradients the two would part where
rounding decides the sign of a value before a ReLU, which says nothing about either.) At the end the
weights, the running statistics and the table are compared, and the checkpoint is loaded with
load_state_dict(strict=True). Prints relative differences; exits with status 1 if one is too large.
"""
import itertools
import json
import math
import struct
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F

from nn_torch import ResNet

MEAN, SD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
TRAIN, TEST, BATCH, EPOCHS, WIDTH, LR = 40, 10, 16, 2, 2, 0.05


def make(folder):
    """Records of CIFAR-10's binary format: a label, 3072 bytes. Images have their class's pattern."""
    random = np.random.default_rng(1)
    patterns = random.integers(0, 256, (10, 3072))
    for name, count in (("data_batch_1.bin", TRAIN), ("test_batch.bin", TEST)):
        labels = np.arange(count) % 10
        pixels = (patterns[labels] + random.integers(0, 256, (count, 3072))) // 2
        records = np.concatenate((labels[:, None], pixels), axis=1).astype(np.uint8)
        records.tofile(f"{folder}/{name}")


def read_safetensors(path):
    """The records of a stream (F32 only), each as its tensors and its metadata."""
    with open(path, "rb") as file:
        while size := file.read(8):
            header = json.loads(file.read(struct.unpack("<Q", size)[0]))
            meta = header.pop("__metadata__", {})
            data = file.read(max(entry["data_offsets"][1] for entry in header.values()))
            yield {name: torch.from_numpy(np.frombuffer(
                data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy())
                   for name, entry in header.items()}, meta


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.numpy().astype("<f4").tobytes())


def images_of(folder):
    records = np.fromfile(f"{folder}/data_batch_1.bin", np.uint8).reshape(TRAIN, 3073)
    pixels = records[:, 1:].reshape(TRAIN, 3, 32, 32).astype(np.float32) / np.float32(255)
    mean, sd = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (MEAN, SD))
    return torch.from_numpy((pixels - mean) / sd).double(), torch.from_numpy(records[:, 0]).long()


def philox(key, counter):
    """Philox4x32-10 of Salmon et al. (SC 2011), from the paper's definition."""
    for _ in range(10):
        low, high = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [high >> 32 ^ counter[1] ^ key[0], high & 0xFFFFFFFF,
                   low >> 32 ^ counter[3] ^ key[1], low & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def drawer(purpose, epoch, index):
    """below(bound) of the sequence that base/rng.h defines, at the runs' seed 1."""
    numbers = (n for block in itertools.count() for n in philox([1, 0], [block, purpose, epoch, index]))
    return lambda bound: next(n for n in numbers if n >= 2**32 % bound) % bound


def order_of(epoch):
    """The order of an epoch, as dataset/loader.h defines it."""
    below, order = drawer(4, epoch, 0), list(range(TRAIN))
    for i in range(TRAIN, 1, -1):
        j = below(i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def classes_of(g, gp):
    """The ratio classes, by the ratio in double precision."""
    r = gp.double() / g.double()
    k = torch.where(r > 1, 1, torch.where(r >= 0, 2, torch.where(r < -1, 3, 4)))
    return torch.where((g == 0) | ~torch.isfinite(g) | ~torch.isfinite(gp), 0, k)


def norm(tensors):
    return math.sqrt(sum(t.double().square().sum().item() for t in tensors))


def per_parameter(rule):
    return lambda gs, gps, step: [rule(g, gp, classes_of(g, gp)) for g, gp in zip(gs, gps)]


def sgd(gs, gps, step):
    return gs


def sam(gs, gps, step):
    return gps


def scaled_to(reference, tensors):
    return [t * (norm(reference) / norm(tensors)) for t in tensors]


def subset(*classes):
    def rule(g, gp, k):
        return torch.where(sum(k == c for c in classes) > 0, gp, g)
    return rule


def random_mask(rule):
    """The rule with the classes of each tensor's parameters in another order: the next parameter's
    is any of those that are left, the classes in order."""
    def direction(gs, gps, step):
        ds = []
        for index, (g, gp) in enumerate(zip(gs, gps)):
            below, k = drawer(6, step, index), classes_of(g, gp).flatten()
            left, drawn = sorted(k.tolist()), []
            while left:
                drawn.append(left.pop(below(len(left))))
            ds.append(rule(g, gp, torch.tensor(drawn).reshape(g.shape)))
        return ds
    return direction


def shuffled_ratio(gs, gps, step):
    """gp becomes g times the ratio of any parameter of the tensor whose ratio is not yet taken: each
    takes the place of the one it took from."""
    ds = []
    for index, (g, gp) in enumerate(zip(gs, gps)):
        below, r, d = drawer(7, step, index), (gp / g).flatten(), gp.clone().flatten()
        has = (classes_of(g, gp).flatten() > 0) & torch.isfinite(r)
        ratios = r[has].tolist()
        for i in range(len(ratios)):
            j = i + below(len(ratios) - i)
            ratios[i], ratios[j] = ratios[j], ratios[i]
        d[has] = torch.tensor(ratios) * g.flatten()[has]
        ds.append(d.reshape(g.shape))
    return ds


# An arm: the options of train-sam, and d from the lists of g and gp and the number of the step.
ARMS = {
    "sgd": (["--optimizer", "sgd"], sgd),
    "sam": ([], sam),
    "sam, no momentum or decay": (["--momentum", "0", "--weight-decay", "0"], sam),
    "asam": (["--adaptive", "--rho", "0.5"], sam),
    "classes 1": (["--perturbed-classes", "1"], per_parameter(subset(1))),
    "classes 2,3,4": (["--perturbed-classes", "2,3,4"], per_parameter(subset(2, 3, 4))),
    "magnitude": (["--mix", "magnitude"], per_parameter(lambda g, gp, k: gp.abs() * g.sign())),
    "direction": (["--mix", "direction"], per_parameter(
        lambda g, gp, k: torch.where(gp == 0, g, g.abs() * gp.sign()))),
    "class 1 doubled": (["--mix", "all=perturbed,1=2*perturbed"], per_parameter(
        lambda g, gp, k: torch.where(k == 1, 2 * gp, gp))),
    "sums": (["--mix", "2=0.5*current+0.25*perturbed,34=-perturbed"], per_parameter(
        lambda g, gp, k: torch.where(k == 2, 0.5 * g + 0.25 * gp, torch.where(k > 2, -gp, g)))),
    "clamp": (["--clamp", "1.5"], per_parameter(lambda g, gp, k: torch.where(
        k > 0, torch.minimum(torch.maximum(gp, -1.5 * g.abs()), 1.5 * g.abs()), gp))),
    "step size": (["--control", "step-size"], lambda g, gp, step: scaled_to(gp, g)),
    "norm matched": (["--control", "norm-matched", "--perturbed-classes", "1,3"],
                     lambda g, gp, step: scaled_to(gp, per_parameter(subset(1, 3))(g, gp, step))),
    "random mask": (["--control", "random-mask", "--perturbed-classes", "1,3"],
                    random_mask(subset(1, 3))),
    "shuffled ratio": (["--control", "shuffled-ratio"], shuffled_ratio),
}


class Training:
    """Gradients in double precision, rounded to single as train-sam stores them; the optimizer is
    PyTorch's, on single-precision weights."""

    def __init__(self, weights, options):
        given = dict(zip(options[::2], options[1::2])) if "--adaptive" not in options else {}
        self.network = ResNet(18, WIDTH, 3, 10).double()
        self.weights = [w.clone() for w in weights.values()]
        self.names = list(weights)
        self.adaptive = "--adaptive" in options
        self.rho = 0.5 if self.adaptive else 0.1
        self.optimizer = torch.optim.SGD(
            self.weights, lr=LR, momentum=float(given.get("--momentum", 0.9)),
            weight_decay=float(given.get("--weight-decay", 5e-4)))
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, EPOCHS)

    def gradient(self, weights, x, y, statistics):
        for module in self.network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.1 if statistics else 0.0
        with torch.no_grad():
            for parameter, weight in zip(self.network.parameters(), weights):
                parameter.copy_(weight)
        self.network.zero_grad()
        loss = F.cross_entropy(self.network(x), y)
        loss.backward()
        return loss.item(), [p.grad.float() for p in self.network.parameters()]

    def moved(self, g):
        """w + e; ASAM after J. Kwon et al. (2021), T = |w| + 0.01 for weights and 1 for biases."""
        if not self.adaptive:
            return [w + self.rho / (norm(g) + 1e-12) * x for w, x in zip(self.weights, g)]
        t = [w.abs() + 0.01 if "weight" in name else torch.ones_like(w)
             for name, w in zip(self.names, self.weights)]
        length = norm([a * x for a, x in zip(t, g)]) + 1e-12
        return [w + self.rho / length * a * a * x for w, a, x in zip(self.weights, t, g)]

    def step(self, x, y, record, direction):
        """Steps with the record's gradients; returns how far they and the losses are from ours."""
        tensors, meta = record
        g = [tensors[f"current/{name}"] for name in self.names]
        gp = [tensors[f"perturbed/{name}"] for name in self.names]
        loss, our_g = self.gradient(self.weights, x, y, True)
        perturbed_loss, our_gp = self.gradient(self.moved(g), x, y, False)
        for weight, d in zip(self.weights, direction(g, gp, int(meta["step"]))):
            weight.grad = d
        self.optimizer.step()
        return max(relative(g, our_g), relative(gp, our_gp), abs(float(meta["loss"]) / loss - 1),
                   abs(float(meta["perturbed_loss"]) / perturbed_loss - 1),
                   abs(float(meta["gradient_norm"]) / norm(g) - 1),
                   abs(float(meta["perturbed_gradient_norm"]) / norm(gp) - 1)), loss

    def run(self, images, labels, records, direction):
        """Returns the differences of every step, and the mean loss of every epoch."""
        differences, losses = [], []
        for epoch in range(1, EPOCHS + 1):
            order, total = order_of(epoch), 0
            for first in range(0, TRAIN, BATCH):
                chosen = order[first:first + BATCH]
                difference, loss = self.step(images[chosen], labels[chosen], next(records),
                                             direction)
                differences.append(difference)
                total += loss * len(chosen)
            self.schedule.step()
            losses.append(total / TRAIN)
        assert next(records, None) is None
        return differences, losses


def relative(seen, wanted):
    return norm([a - b for a, b in zip(seen, wanted)]) / norm(wanted)


def train_sam(tools, folder, options):
    """Trains; returns the checkpoint's tensors and the rows of the table."""
    command = [f"{tools}/train-sam", "--dataset", "cifar10", "--data", folder, "--val-fraction", "0",
               "--augment", "none", "--batch-size", str(BATCH), "--epochs", str(EPOCHS), "--width",
               str(WIDTH), "--lr", str(LR), "--kernels", "double", "--threads", "1", "--weights",
               f"{folder}/start", "--checkpoint", f"{folder}/end", "--dump", f"{folder}/dump",
               *options]
    table = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    rows = [line.split(",") for line in table.stdout.decode().split()]
    (tensors, _), = read_safetensors(f"{folder}/end")
    return tensors, [dict(zip(rows[0], row)) for row in rows[1:]]


def compare(tools, folder, options, direction):
    """Relative differences: of the median and the worst step's gradients and losses, of the way the
    weights went, of the running statistics, of the epochs' mean losses."""
    torch.manual_seed(3)
    weights = {n: p.detach() for n, p in ResNet(18, WIDTH, 3, 10).named_parameters()}
    write_safetensors(f"{folder}/start", weights)
    seen, rows = train_sam(tools, folder, options)
    ours = Training(weights, options)
    steps, losses = ours.run(*images_of(folder), read_safetensors(f"{folder}/dump"), direction)
    way = relative([seen[name] - weights[name] for name in weights],
                   [w - weights[name] for name, w in zip(weights, ours.weights)])
    statistics = relative(*zip(*((seen[name], b) for name, b in ours.network.named_buffers()
                                 if "running" in name)))
    loss = max(abs(float(row["train_loss"]) / w - 1) for row, w in zip(rows, losses))
    ResNet(18, WIDTH, 3, 10).load_state_dict(seen, strict=True)
    return {"median step": sorted(steps)[len(steps) // 2], "worst step": max(steps), "weights": way,
            "statistics": statistics, "loss": loss}


# The worst step may have a ReLU that rounding decides; so may the statistics and the loss after it.
TOLERANCE = {"median step": 1e-6, "worst step": 0.2, "weights": 2e-6, "statistics": 1e-5,
             "loss": 1e-5}


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2])
        return
    tools, folder = sys.argv[1:]
    failed = False
    print(f"{'':26}", *TOLERANCE)
    for name, (options, direction) in ARMS.items():
        row = compare(tools, folder, options, direction)
        bad = [column for column, value in row.items() if not value < TOLERANCE[column]]
        failed = failed or bool(bad)
        print(f"{name:26}", *(f"{row[c]:{len(c)}.1e}" for c in TOLERANCE), *bad)
    sys.exit(failed)


if __name__ == "__main__":
    main()
