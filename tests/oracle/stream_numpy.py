"""Holds grad-info and grad-cat against NumPy, on records of random numbers of every dtype, in both
layouts, with signed zeros, subnormals, infinities and NaN among them.

Usage: stream_numpy.py info|cat FOLDER-OF-THE-TOOLS"""

import csv
import io
import pathlib
import subprocess
import sys
import tempfile

import numpy

from analysis_records import gradients

DTYPES = ["F64", "F32", "F16", "BF16"]
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
SHAPES = {"conv.weight": (3, 2, 5, 5), "linear.weight": (70000,), "bias": (7,), "scalar": (),
          "empty": (0, 4)}
# Zeros, values around the least and the greatest of the formats, and what is not finite.
SPECIAL = [0.0, -0.0, 1e-45, 6e-8, -6e-5, 1e-40, 65519.9, 65520.0, 3.4e38,
           numpy.inf, -numpy.inf, numpy.nan]


def widen_bf16(bits):
    return (bits.reshape(-1).astype("<u4") << 16).view("<f4").reshape(bits.shape)


def narrow_bf16(values):
    """float32 to BF16 bits: add half of what is cut off, a little less where the result is even."""
    bits = values.reshape(-1).view("<u4").astype("<i8")
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").reshape(values.shape)
    return numpy.where(numpy.isnan(values), numpy.uint16(0x7FC0), rounded)


def as_dtype(values, dtype):
    """The values, in double precision, that a dtype keeps of some."""
    with numpy.errstate(over="ignore"):
        if dtype == "BF16":
            return widen_bf16(narrow_bf16(values.astype("<f4"))).astype("<f8")
        return values.astype(NUMPY[dtype]).astype("<f8")


def random_values(random, shape, special):
    """Normal numbers of many magnitudes; with `special`, some of SPECIAL among them."""
    values = random.standard_normal(shape) * 10.0 ** random.integers(-9, 5, shape)
    flat = numpy.array(values).reshape(-1)
    if special and flat.size > 0:
        places = random.integers(0, flat.size, 40)
        flat[places] = random.choice(SPECIAL, 40)
    return flat.reshape(shape)


def random_pairs(random, dtype, special):
    return {name: tuple(as_dtype(random_values(random, shape, special), dtype) for _ in range(2))
            for name, shape in SHAPES.items()}


def run(command, data=b""):
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout


def table(data):
    return list(csv.DictReader(io.StringIO(data.decode())))


def stored(pairs, dtype):
    """The arrays as gradients() wants them: BF16 as float32."""
    kind = "<f4" if dtype == "BF16" else NUMPY[dtype]
    return {name: tuple(side.astype(kind) for side in pair) for name, pair in pairs.items()}


def assert_near(text, wanted, what):
    value = float(text)
    if not (value == wanted or (numpy.isnan(value) and numpy.isnan(wanted))):
        assert abs(value - wanted) <= 1e-13 * max(abs(wanted), 1e-300), (what, value, wanted)


def assert_row(row, g, gp):
    with numpy.errstate(all="ignore"):
        norms = [numpy.sqrt(numpy.sum(values * values)) for values in (g, gp, gp - g)]
        cosine = numpy.sum(g * gp) / (norms[0] * norms[1])
    assert int(row["parameters"]) == g.size
    for column, norm in zip(["gradient_norm", "perturbed_gradient_norm", "difference_norm"], norms):
        assert_near(row[column], norm, column)
    if numpy.isfinite(cosine):
        assert abs(float(row["cosine"]) - cosine) < 1e-12
    else:
        assert not numpy.isfinite(float(row["cosine"]))
    assert int(row["nan"]) == numpy.isnan(g).sum() + numpy.isnan(gp).sum()
    assert int(row["infinite"]) == numpy.isinf(g).sum() + numpy.isinf(gp).sum()


def check_info(tools):
    random = numpy.random.default_rng(1)
    for dtype in DTYPES:
        for order in ("pairs", "sorted"):
            for special in (False, True):
                pairs = random_pairs(random, dtype, special)
                stream = gradients(stored(pairs, dtype), {"step": 4}, dtype, order)
                [row] = table(run([tools / "grad-info"], stream))
                assert row["dtype"] == dtype and row["tensors"] == str(len(SHAPES))
                sides = [numpy.concatenate([pair[i].reshape(-1) for pair in pairs.values()]) for i in (0, 1)]
                assert_row(row, *sides)
                for row in table(run([tools / "grad-info", "--by", "tensor"], stream)):
                    assert_row(row, *pairs[row["tensor"]])


def data_of(stream):
    return stream[8 + int.from_bytes(stream[:8], "little"):]


def packed(values, dtype):
    with numpy.errstate(over="ignore"):
        bits = narrow_bf16(values.astype("<f4")) if dtype == "BF16" else values.astype(NUMPY[dtype])
    return numpy.ascontiguousarray(bits)


def assert_same_elements(data, pairs, dtype, what):
    """The data are these pairs, side by side; any NaN is a NaN."""
    kind = "<u2" if dtype == "BF16" else NUMPY[dtype]
    got = numpy.frombuffer(data, kind)
    wanted = numpy.concatenate([packed(side, dtype).reshape(-1) for pair in pairs for side in pair])
    assert got.size == wanted.size, what
    nans = [numpy.isnan(widen_bf16(bits) if dtype == "BF16" else bits) for bits in (got, wanted)]
    assert (nans[0] == nans[1]).all(), what
    assert (got[~nans[0]] == wanted[~nans[0]]).all(), what
    signs = [numpy.signbit(bits[~nans[0]]) for bits in (got, wanted)] if dtype != "BF16" else [0, 0]
    assert numpy.array_equal(*signs), what


def check_cat(tools):
    random = numpy.random.default_rng(2)
    for dtype in DTYPES:
        for order in ("pairs", "sorted"):
            pairs = random_pairs(random, dtype, True)
            stream = gradients(stored(pairs, dtype), {}, dtype, order)
            # NumPy has BF16 by way of single precision only, which rounds twice from double.
            for to in DTYPES if dtype != "F64" else DTYPES[:3]:
                got = run([tools / "grad-cat", "--checksum", "--dtype", to.lower()], stream)
                names = sorted(pairs) if order == "sorted" else list(pairs)
                assert_same_elements(data_of(got), [pairs[name] for name in names], to, (dtype, order, to))
                run([tools / "grad-info"], got)  # verifies the checksum


def check_npy(tools):
    random = numpy.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("F64", "F32", "F16"):
            for shape in ((70000,), (3, 5), (), (0,)):
                paths, sides = [], []
                for name in ("g", "gp"):
                    sides.append(numpy.asarray(random.standard_normal(shape)).astype(NUMPY[dtype]))
                    paths.append(pathlib.Path(folder, name + ".npy"))
                    numpy.save(paths[-1], sides[-1])
                got = data_of(run([tools / "grad-cat", "--npy", *paths]))
                assert got == sides[0].tobytes() + sides[1].tobytes(), (dtype, shape)


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "info":
        check_info(folder)
    else:
        check_cat(folder)
        check_npy(folder)
