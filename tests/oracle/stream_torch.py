"""Runs the example of gradient-stream(7) in a training loop of a small network, into pipes to
grad-info and classify-ratio, and computes in PyTorch what they should print.

Usage: stream_torch.py FOLDER-OF-THE-TOOLS"""

import csv
import io
import pathlib
import subprocess
import sys

import torch

from torch_dump import write_record

STEPS, RHO = 3, 0.05
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
KINDS = {
    "0.weight": "conv", "0.bias": "other",  # a convolution's bias
    "1.weight": "norm-weight", "1.bias": "norm-bias",
    "4.weight": "linear-weight", "4.bias": "linear-bias",
}


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(4 * 6 * 6, 10))


def gradients(model, images, labels):
    model.zero_grad()
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def sam_steps():
    """Yields the pairs of gradients of a training with SAM."""
    model = network()
    for step in range(1, STEPS + 1):
        images, labels = torch.randn(16, 3, 8, 8), torch.randint(10, (16,))
        current = gradients(model, images, labels)
        norm = torch.sqrt(sum(g.square().sum() for g in current.values()))
        weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        with torch.no_grad():
            for name, p in model.named_parameters():
                p += RHO * current[name] / norm
        perturbed = gradients(model, images, labels)
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(weights[name] - 0.1 * perturbed[name])
        yield step, current, perturbed


def table(command, steps, dtype):
    tool = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for step, current, perturbed in steps:
        sides = [{name: g.to(dtype) for name, g in side.items()} for side in (current, perturbed)]
        write_record(tool.stdin, *sides, step=step, rho=RHO)
    output, _ = tool.communicate(timeout=60)
    assert tool.returncode == 0
    return list(csv.DictReader(io.StringIO(output.decode())))


def check_norms(rows, steps, dtype):
    wanted = [(step, name, current[name].to(dtype).double(), perturbed[name].to(dtype).double())
              for step, current, perturbed in steps for name in current]
    assert len(rows) == len(wanted)
    for row, (step, name, g, gp) in zip(rows, wanted):
        assert row["step"] == str(step) and row["tensor"] == name
        assert row["shape"] == "x".join(map(str, g.shape))
        for column, vector in (("gradient_norm", g), ("perturbed_gradient_norm", gp), ("difference_norm", gp - g)):
            norm = vector.square().sum().sqrt().item()
            assert abs(float(row[column]) - norm) <= 1e-13 * norm, (column, row[column], norm)


def check_classes(rows, steps, dtype):
    for row, (_, current, perturbed) in zip(rows, steps):
        sides = [torch.cat([side[name].to(dtype).double().flatten() for name in current])
                 for side in (current, perturbed)]
        defined = sides[0] != 0
        ratio = sides[1][defined] / sides[0][defined]
        counts = [(ratio > 1).sum(), ((ratio >= 0) & (ratio <= 1)).sum(), (ratio < -1).sum(),
                  ((ratio >= -1) & (ratio < 0)).sum()]
        assert [int(row[f"class{i}"]) for i in range(1, 5)] == [int(count) for count in counts]


if __name__ == "__main__":
    tools = pathlib.Path(sys.argv[1])
    steps = list(sam_steps())
    for text, dtype in DTYPES.items():
        rows = table([tools / "grad-info", "--by", "tensor"], steps, dtype)
        assert all(row["dtype"] == text for row in rows)
        check_norms(rows, steps, dtype)
        check_classes(table([tools / "classify-ratio"], steps, dtype), steps, dtype)
    kinds = table([tools / "grad-info", "--by", "kind"], steps[:1], torch.float32)
    assert {row["kind"]: int(row["tensors"]) for row in kinds} == {kind: 1 for kind in KINDS.values()}
