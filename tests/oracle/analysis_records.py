"""Gradient and class records for the tests of the analysis tools, written from the format's
description alone (8 bytes of little-endian length, JSON, data), without the project's library."""

import json

import numpy

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "U8": "u1", "BF16": "<u2"}
REALS = {"F64": numpy.float64, "F32": numpy.float32, "F16": numpy.float16}


def to_bytes(values, dtype):
    """The bytes of an array; BF16 values must be float32 with their low 16 bits zero."""
    if dtype == "BF16":
        bits = numpy.ascontiguousarray(values, dtype="<f4").view("<u4")
        assert not (bits & 0xFFFF).any()
        return (bits >> 16).astype("<u2").tobytes()
    return numpy.ascontiguousarray(values, dtype=DTYPES[dtype]).tobytes()


def record(tensors, meta=None):
    """One record from a list of (name, dtype, array), in that order."""
    header, data = {}, []
    if meta:
        header["__metadata__"] = {key: str(value) for key, value in meta.items()}
    offset = 0
    for name, dtype, values in tensors:
        part = to_bytes(values, dtype)
        header[name] = {
            "dtype": dtype,
            "shape": list(numpy.shape(values)),
            "data_offsets": [offset, offset + len(part)],
        }
        offset += len(part)
        data.append(part)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def gradients(pairs, meta=None, dtype="F32", order="pairs"):
    """A gradient record from a dict {name: (g, gp)}. order: 'pairs' puts gp behind its g, 'sorted'
    all current/ before all perturbed/, by name, as the Python package of the format does."""
    tensors = []
    for name, (g, gp) in pairs.items():
        tensors.append(("current/" + name, dtype, g))
        tensors.append(("perturbed/" + name, dtype, gp))
    if order == "sorted":
        tensors.sort(key=lambda tensor: tensor[0])
    return record(tensors, meta)


def classes(maps, meta=None):
    """A class record from a dict {name: array}."""
    return record([("class/" + name, "U8", values) for name, values in maps.items()], meta)
