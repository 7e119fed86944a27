"""The analysis tools beside NumPy, and beside reading alone.

    analysis.py SCAN STREAM RECORDS ROUNDS CSV

STREAM is made anew, so that the page cache holds it as writing left it there: RECORDS records of
11,220,132 parameters in the tensors of the notes' network, of width 64, 90 MB each; then about as many
bytes of the network of width 8, 1.4 MB a record, with checksums, as train-sam dumps them. All times are
milliseconds a record, the best of ROUNDS, in which all candidates take turns, since other work on the
machine slows whoever is running. BENCH_CLOCK=cpu counts processor time instead, of all processes of a
candidate, for a machine on which there is too much of that.

    ours_ms        the tool, from start to exit, on the file in the page cache or on `cat STREAM |`
    read_ms        read() of the file into one buffer of 1 MiB, again and again, which begins with a page:
                   elsewhere some processors copy at a fifth of the speed; or `cat STREAM | wc -c`
    scan_ms        SCAN, the program of tests/bench/scan.c: all threads add the file up, as it lies mapped,
                   which nobody who looks at every number there can be faster than
    numpy_ms       the same counts by NumPy, from arrays that are in memory already; that they are the same is
                   looked at first
    numpy_read_ms  np.fromfile() of those arrays, which is not part of numpy_ms
    numpy_ratio    numpy_ms / ours_ms: reading the data is in ours alone
    file_ratio     (numpy_ms + numpy_read_ms) / ours_ms: both begin at the file
"""

import csv
import json
import mmap
import os
import resource
import subprocess
import sys
import time

import numpy as np

BIN = os.environ["SAM_BIN"]


def shapes(first):
    """The tensors of ResNet-18 for 32 x 32 images and 100 classes, of width `first`."""
    yield "conv1.weight", (first, 3, 3, 3)
    yield from norm("bn1", first)
    before = first
    for layer, width in enumerate((first, 2 * first, 4 * first, 8 * first), 1):
        for block in range(2):
            name = "layer%d.%d" % (layer, block)
            yield name + ".conv1.weight", (width, before, 3, 3)
            yield from norm(name + ".bn1", width)
            yield name + ".conv2.weight", (width, width, 3, 3)
            yield from norm(name + ".bn2", width)
            if block == 0 and layer > 1:
                yield name + ".shortcut.0.weight", (width, before, 1, 1)
                yield from norm(name + ".shortcut.1", width)
            before = width
    yield "linear.weight", (100, 8 * first)
    yield "linear.bias", (100,)


def norm(name, width):
    yield name + ".weight", (width,)
    yield name + ".bias", (width,)


def parameters(width):
    return sum(int(np.prod(shape)) for _, shape in shapes(width))


def make_stream(path, width, record_count):
    rng = np.random.default_rng(1)
    with open(path + ".part", "wb") as file:
        for step in range(1, record_count + 1):
            header, offset = {"__metadata__": {"step": str(step), "epoch": "1"}}, 0
            for name, shape in shapes(width):
                for prefix in ("current/", "perturbed/"):
                    end = offset + 4 * int(np.prod(shape))
                    header[prefix + name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
                    offset = end
            text = json.dumps(header).encode()
            file.write(len(text).to_bytes(8, "little") + text)
            for _, shape in shapes(width):
                g = rng.standard_normal(size=shape, dtype=np.float32) * np.float32(1e-4)
                gp = g + np.float32(8e-5) * rng.standard_normal(size=shape, dtype=np.float32)
                file.write(g.tobytes() + gp.tobytes())
    os.rename(path + ".part", path)


def add_checksums(path):
    subprocess.run([os.path.join(BIN, "grad-cat"), "--checksum", "-o", path, path], check=True)


# --- NumPy, as one would write it -----------------------------------------------------------------------
#
# The counts are the tools', which check() holds them against. What is shorter counts otherwise: g * gp > 0
# is no comparison of signs where the product is below the range of floats, and puts the parameters that have
# no ratio into a class.


def gradients(path, width, number):
    """g and gp of record `number`, from 1, of all tensors one after the other."""
    with open(path, "rb") as file:
        for _ in range(number):
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            values = np.fromfile(file, dtype="f4", count=2 * parameters(width))
    names = [prefix + name for name, _ in shapes(width) for prefix in ("current/", "perturbed/")]
    parts = np.split(values, [header[name]["data_offsets"][0] // 4 for name in names[1:]])
    return np.concatenate(parts[0::2]), np.concatenate(parts[1::2])


def numpy_members(g, gp):
    """Class 1."""
    return (np.signbit(g) == np.signbit(gp)) & (np.abs(gp) > np.abs(g)) & (g != 0) & np.isfinite(gp)


def numpy_parts(g, gp):
    same, larger = (np.signbit(g) == np.signbit(gp)) | (gp == 0), np.abs(gp) > np.abs(g)
    return np.isfinite(g) & np.isfinite(gp) & (g != 0), same, larger


def numpy_classes(g, gp):
    defined, same, larger = numpy_parts(g, gp)
    classes = (same & larger, same & ~larger, ~same & larger, ~same & ~larger)
    return [np.count_nonzero(defined & members) for members in classes] + [np.count_nonzero(~defined)]


def numpy_buckets(g, gp):
    with np.errstate(divide="ignore", invalid="ignore"):
        r = gp.astype(np.float64) / g
    r = r[(r > 1) & (r < np.inf)]
    at_least = [np.count_nonzero(r >= edge) for edge in (1, 1.2, 1.5, 2, 4, 8, 16)] + [0]
    return at_least[:1] + [more - fewer for more, fewer in zip(at_least, at_least[1:])]


def numpy_threshold(g, gp):
    m, members = np.abs(g), numpy_members(g, gp)
    k = np.count_nonzero(members)
    threshold = np.partition(m, m.size - 1 - k)[m.size - 1 - k]
    return [k, threshold, np.count_nonzero(members & (m > threshold))]


def numpy_overlap(g, gp, reference):
    members = numpy_members(g, gp)
    return [np.count_nonzero(members), np.count_nonzero(members & reference)]


def numpy_class_numbers(g, gp):
    defined, same, larger = numpy_parts(g, gp)
    return (np.uint8(2) - larger + np.uint8(2) * ~same) * defined


def numpy_transitions(g, gp, before):
    return list(np.bincount(before * np.uint8(5) + numpy_class_numbers(g, gp), minlength=25))


def numpy_calls(path, width):
    """{tool: its counts of the stream's second record, which comes after the first or refers to it}"""
    g, gp = gradients(path, width, 2)
    before = numpy_class_numbers(*gradients(path, width, 1))
    reference = before == 1
    return {
        "classify-ratio": lambda: numpy_classes(g, gp),
        "bucket-stats": lambda: numpy_buckets(g, gp),
        "flat-threshold": lambda: numpy_threshold(g, gp),
        "overlap": lambda: numpy_overlap(g, gp, reference),
        "class-transitions": lambda: numpy_transitions(g, gp, before),
    }


# What the calls return are these columns.
COUNTS = {
    "classify-ratio": ["class1", "class2", "class3", "class4", "undefined"],
    "bucket-stats": ["class1", "1-1.2", "1.2-1.5", "1.5-2", "2-4", "4-8", "8-16", "16-inf"],
    "flat-threshold": ["class_size", "threshold", "above"],
    "overlap": ["class_size", "overlap"],
    "class-transitions": ["from%d_to%d" % (i, j) for i in range(5) for j in range(5)],
}


def check(calls, path):
    """Times of different counts are not compared."""
    for tool, call in calls.items():
        table = subprocess.run([os.path.join(BIN, tool), path], check=True, stdout=subprocess.PIPE, text=True).stdout
        row = next(row for row in csv.DictReader(table.splitlines()) if row["step"] == "2")
        ours, numpy = [float(row[column]) for column in COUNTS[tool]], [float(number) for number in call()]
        if ours != numpy:
            sys.exit("%s: %s, but NumPy %s" % (tool, ours, numpy))


# --- Times ----------------------------------------------------------------------------------------------------


def clock():
    if os.environ.get("BENCH_CLOCK") == "cpu":
        used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in used)
    return time.perf_counter()


def seconds(call):
    started = clock()
    call()
    return clock() - started


def read_all(path, buffer=mmap.mmap(-1, 1 << 20)):
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def run(*command):
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def candidates(scan, path, width, record_count):
    """{name: (call, records that a call reads)}"""
    count = 2 * parameters(width)
    calls = {"read": (lambda: read_all(path), record_count)}
    calls["scan"] = (run(scan, path), record_count)
    calls["fromfile"] = (lambda: np.fromfile(path, dtype="f4", count=count), 1)
    calls["wc"] = (run("sh", "-c", "cat '%s' | wc -c" % path), record_count)
    numpy = numpy_calls(path, width)
    check(numpy, path)
    for tool, call in numpy.items():
        calls["numpy " + tool] = (call, 1)
        binary = os.path.join(BIN, tool)
        calls["file " + tool] = (run(binary, path), record_count)
        calls["pipe " + tool] = (run("sh", "-c", "cat '%s' | '%s'" % (path, binary)), record_count)
    return calls


def measure(calls, rounds):
    """{name: the least milliseconds a record}"""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, (call, count) in calls.items():
            best[name] = min(best[name], 1000 * seconds(call) / count)
    return best


COLUMNS = ["ours_ms", "read_ms", "read_ratio", "scan_ms", "numpy_ms", "numpy_read_ms", "numpy_ratio", "file_ratio"]


def numbers(best, tool, source, reading):
    ours, read = best[source + " " + tool], best[reading]
    numpy, fromfile = best["numpy " + tool], best["fromfile"]
    return [ours, read, ours / read, best["scan"], numpy, fromfile, numpy / ours, (numpy + fromfile) / ours]


def measure_network(scan, path, width, record_count, checked, rounds):
    """The rows of one network, whose stream stays at `path`."""
    make_stream(path, width, record_count)
    if checked:
        add_checksums(path)
    best = measure(candidates(scan, path, width, record_count), rounds)
    for tool in COUNTS:
        for source, reading in (("file", "read"), ("pipe", "wc")):
            yield [width, tool, source] + ["%.4g" % number for number in numbers(best, tool, source, reading)]


def main():
    scan, path, record_count, rounds, table = sys.argv[1:3] + [int(n) for n in sys.argv[3:5]] + sys.argv[5:]
    with open(table, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["width", "tool", "source"] + COLUMNS)
        print("%5s  %-17s  %6s" % ("width", "tool", "source"), *("%13s" % column for column in COLUMNS))
        for width, records, checked in ((64, record_count, False), (8, 60 * record_count, True)):
            for row in measure_network(scan, path, width, records, checked, rounds):
                writer.writerow(row)
                print("%5d  %-17s  %6s" % tuple(row[:3]), *("%13s" % number for number in row[3:]), flush=True)


if __name__ == "__main__":
    main()
