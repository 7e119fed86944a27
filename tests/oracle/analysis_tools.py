"""The analysis tools against NumPy: random streams, random options, every number of every table.

    analysis_tools.py TOOL ROUNDS

makes ROUNDS streams (dtypes, shapes, order of the data, metadata, hard values: both zeros, subnormals,
infinities, NaN, equal magnitudes, ratios at edges), runs the tool from SAM_BIN on each as a regular
file and through a pipe, which must agree to the byte, and compares the table with the definitions of
the man pages, computed here by plain array expressions in double precision. Whole numbers must be
equal, others within 1e-9 (those of the fitted null model within 1e-6)."""

import csv
import fnmatch
import io
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

import analysis_records as records

TOOL_FOLDER = os.environ["SAM_BIN"]
DTYPES = ["F32", "F32", "F64", "F16", "BF16"]
KINDS = ["conv", "norm-weight", "norm-bias", "linear-weight", "linear-bias", "other"]
EDGES = {
    1: [1, 1.2, 1.5, 2, 4, 8, 16, math.inf],
    2: [0, 0.25, 0.5, 0.75, 1, math.inf],
    3: [-math.inf, -16, -8, -4, -2, -1.5, -1.2, -1],
    4: [-1, -0.75, -0.5, -0.25, 0],
}
SHAPES = {
    "conv1.weight": ((3, 2, 3, 3), "conv"),
    "bn1.weight": ((17,), "norm-weight"),
    "bn1.bias": ((17,), "norm-bias"),
    "layer1.0.conv1.weight": ((8, 8, 3, 3), "conv"),
    "layer1.0.bn1.weight": ((64,), "norm-weight"),
    "layer1.0.bn1.bias": ((64,), "norm-bias"),
    "linear.weight": ((10, 129), "linear-weight"),
    "linear.bias": ((10,), "linear-bias"),
    "temperature": ((), "other"),
    "nothing": ((0, 4), "other"),
}

# --- Streams ------------------------------------------------------------------------------------------


def round_to(values, dtype):
    """The values that a dtype holds, as an array of a type NumPy computes with."""
    with np.errstate(all="ignore"):
        if dtype == "BF16":
            bits = np.asarray(values, dtype=np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
            return bits.view(np.float32)
        return np.asarray(values).astype(records.REALS[dtype])


def make_pair(rng, shape, dtype):
    g = rng.normal(size=shape) * 10.0 ** rng.integers(-6, 2)
    gp = g + rng.choice([0.0, 0.3, 1.0]) * rng.normal(size=shape) * np.std(g if g.size else [1])
    edge = rng.random(size=shape) < 0.2
    factors = [0, 0.25, 0.5, 0.75, 1, 1.2, 1.5, 2, 4, 8, 16, -1, -1.2, -0.5, -2, -16]
    g, gp = round_to(g, dtype), round_to(gp, dtype)
    with np.errstate(all="ignore"):
        gp = np.where(edge, round_to(g * rng.choice(factors, size=shape), dtype), gp)
        hard = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-45, 1.0, 65504.0])
        for which in (0, 1):
            place, values = rng.random(size=shape) < 0.03, rng.choice(hard, size=shape)
            if which == 0:
                g = np.where(place, round_to(values, dtype), g)
            else:
                gp = np.where(place, round_to(values, dtype), gp)
    return round_to(g, dtype), round_to(gp, dtype)


def classify(g, gp):
    g, gp = np.float64(g), np.float64(gp)
    classes = np.zeros(np.shape(g), dtype=np.int64)
    known = np.isfinite(g) & np.isfinite(gp) & (g != 0)
    same = (np.sign(g) == np.sign(gp)) | (gp == 0)
    larger = np.abs(gp) > np.abs(g)
    for ratio_class, condition in enumerate([same & larger, same & ~larger, ~same & larger, ~same & ~larger], 1):
        classes[known & condition] = ratio_class
    return classes


def make_stream(rng):
    """(records, bytes): a record is {step, epoch, pairs: {name: (g, gp)}, order: [name]}."""
    names = [name for name in SHAPES if rng.random() < 0.8] or ["conv1.weight"]
    with_bias = [n for n in names if n.endswith("bias") and n[:-4] + "weight" not in names]
    names = [name for name in names if name not in with_bias] or ["conv1.weight"]
    stream, data = [], b""
    for number in range(1, rng.integers(2, 6)):
        dtype = DTYPES[rng.integers(len(DTYPES))]
        order = list(names)
        rng.shuffle(order)
        pairs = {name: make_pair(rng, SHAPES[name][0], dtype) for name in order}
        meta = {}
        if rng.random() < 0.7:
            meta["step"] = number * 10
        if rng.random() < 0.7:
            meta["epoch"] = number
        layout = "sorted" if rng.random() < 0.3 else "pairs"
        data += records.gradients(pairs, meta, dtype, layout)
        stream.append(
            {
                "step": meta.get("step", number),
                "epoch": meta.get("epoch", ""),
                "pairs": pairs,
                "order": sorted(order) if layout == "sorted" else order,
            }
        )
    return stream, data


# --- Groups ---------------------------------------------------------------------------------------------


def groups(record, options, order=None):
    """[(columns of the group, names)] of one record."""
    wanted = [n for n in (order or record["order"]) if any(fnmatch.fnmatchcase(n, g) for g in options["globs"])]
    if options["by"] == "record":
        return [({}, wanted)]
    if options["by"] == "tensor":
        return [({"tensor": n}, [n]) for n in wanted]
    return [
        ({"kind": kind}, [n for n in wanted if SHAPES[n][1] == kind])
        for kind in KINDS
        if any(SHAPES[n][1] == kind for n in wanted)
    ]


def joined(record, names, which):
    return np.concatenate([np.float64(record["pairs"][n][which]).ravel() for n in names] or [[]])


def counts_of(classes):
    return [int((classes == k).sum()) for k in range(5)]


def ratio(a, b):
    with np.errstate(all="ignore"):
        return float(np.float64(a) / np.float64(b))


def of(count, n, options):
    return ratio(100 * count, n) if options["percent"] else count


# --- The null model ---------------------------------------------------------------------------------------


def null_shares(s):
    if s != s:
        return [math.nan] * 5
    one, two = (math.atan2(1, s), math.atan2(2, s)) if s < math.inf else (0, 0)
    return [0, 0.5, one / math.pi, 0.5 - two / math.pi, (two - one) / math.pi]


def null_scale(counts):
    """The likelihood's maximum by ternary search in log s."""
    if counts[3] + counts[4] == 0:
        return math.nan if counts[2] == 0 else 0.0
    if counts[2] + counts[4] == 0:
        return math.inf

    def likelihood(u):
        shares = null_shares(math.exp(u))
        return sum(c * math.log(max(p, 1e-300)) for c, p in list(zip(counts, shares))[1:] if c)

    low, high = -30.0, 30.0
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if likelihood(a) < likelihood(b) else (low, b)
    return math.exp((low + high) / 2)


# --- The tools -----------------------------------------------------------------------------------------------


def classify_ratio(rng, stream, options, args):
    eps = rng.choice([None, "0", "1e-8", "0.001"])
    if eps is not None:
        args += ["--eps", eps]
    for record in stream:
        for columns, names in groups(record, options):
            g, gp = joined(record, names, 0), joined(record, names, 1)
            if eps is None:
                classes = classify(g, gp)
            else:
                with np.errstate(all="ignore"):
                    r = np.float32(gp) / (np.float32(g) + np.float32(eps))
                classes = (r > 1) * 1 + ((r > 0) & (r < 1)) * 2 + (r < -1) * 3 + ((r < 0) & (r > -1)) * 4
            counts, n = counts_of(classes), g.size
            row = {"step": record["step"], "epoch": record["epoch"], **columns, "parameters": n}
            for k in (1, 2, 3, 4):
                row["class%d" % k] = of(counts[k], n, options)
            row["undefined"] = of(counts[0], n, options)
            if options["null"]:
                row["null_scale"] = s = null_scale(counts)
                for k in (1, 2, 3, 4):
                    row["null_class%d" % k] = of(null_shares(s)[k] * (n - counts[0]), n, options)
            yield row


def bucket_stats(rng, stream, options, args):
    k = int(rng.integers(1, 5))
    edges = EDGES[k]
    cumulative = bool(rng.random() < 0.5)
    if k != 1 or rng.random() < 0.5:
        args += ["--class", str(k)]
    if rng.random() < 0.4:
        edges = sorted(set(rng.choice([-20, -2, -1, -0.3, 0, 0.1, 0.7, 1, 1.1, 3, 1e9], size=5)))
        args += ["--edges=" + ",".join("%.17g" % edge for edge in edges)]
        if len(edges) < 2:
            edges = [0.0, 1.0]
            args[-1] = "--edges=0,1"
    if cumulative:
        args += ["--cumulative"]
    for record in stream:
        for columns, names in groups(record, options):
            g, gp = joined(record, names, 0), joined(record, names, 1)
            classes, n = classify(g, gp), g.size
            with np.errstate(all="ignore"):
                r = (gp / g)[classes == k]
            row = {"step": record["step"], "epoch": record["epoch"], **columns, "parameters": n}
            row["class%d" % k] = of(r.size, n, options)
            nulls = {"null_scale": null_scale(counts_of(classes))}
            for low, high in zip(edges, edges[1:]):
                low = edges[0] if cumulative else low
                inside = (r >= low) & ((r < high) | (high == math.inf))
                name = "%s-%s" % ("%.15g" % low, "%.15g" % high)
                row[name] = of(int(inside.sum()), n, options)
                nulls["null_" + name] = of(r.size * null_bucket(nulls["null_scale"], k, low, high), n, options)
            if options["null"]:
                row.update(nulls)
            yield row


def null_bucket(s, k, low, high):
    bounds = {1: (1, math.inf), 2: (0, 1), 3: (-math.inf, -1), 4: (-1, 0)}[k]
    low, high = max(low, bounds[0]), min(high, bounds[1])
    if s != s:
        return math.nan
    if low >= high:
        return 0.0
    if s == 0 or s == math.inf:  # all at r = 1, or all at the two infinities
        share = null_shares(s)[k]
        held = (low <= 1 <= high) if s == 0 else math.inf in (-low, high)
        return ratio(0.5 if held else 0, share)
    cdf = [0.5 + math.atan((x - 1) / s) / math.pi for x in (low, high)]
    return (cdf[1] - cdf[0]) / null_shares(s)[k]


def flat_threshold(rng, stream, options, args):
    k_class = int(rng.integers(1, 5))
    which = int(rng.integers(2))
    args += ["--class", str(k_class), "--magnitude", ["current", "perturbed"][which]]
    for record in stream:
        for columns, names in groups(record, options):
            g, gp = joined(record, names, 0), joined(record, names, 1)
            m, classes, n = np.abs([g, gp][which]), classify(g, gp), g.size
            k = int((classes == k_class).sum())
            ordered = np.sort(m)[::-1]  # NaN first
            threshold = ordered[min(k, n - 1)] if n else math.nan
            above = int(((classes == k_class) & (m > threshold)).sum())
            percent, chance = ratio(100 * above, k), ratio(100 * k, n)
            row = {"step": record["step"], "epoch": record["epoch"], **columns, "parameters": n}
            row["class_size"] = of(k, n, options)
            row["threshold"] = float(threshold)
            row["above"] = of(above, n, options)
            row["percent"], row["chance_percent"], row["lift"] = percent, chance, ratio(percent, chance)
            if options["null"]:
                with np.errstate(all="ignore"):
                    row["relative_threshold"] = ratio(threshold, np.sqrt(np.sum(m * m) / n if n else math.nan))
                row["null_scale"] = null_scale(counts_of(classes))
                row["null_percent"] = None  # tests/unit/test_geometry_nulls.c simulates it
                row["permuted_percent"] = permuted(record, names, k_class, which, threshold)
            yield row


def permuted(record, names, k, which, threshold):
    members = above = 0.0
    for name in names:
        g, gp = (np.float64(part).ravel() for part in record["pairs"][name])
        classes = classify(g, gp)
        signed = (classes > 0) & (gp != g)
        fixed = (classes == 2) & (gp == g) & (k == 2)
        agrees = classes == 1
        with np.errstate(all="ignore"):
            dealt = np.where(agrees == (k == 1), gp, 2 * g - gp)
        candidates = signed & (classify(g, dealt) == k)
        m = np.abs(dealt if which else g)
        share = ratio((signed & (agrees == (k == 1))).sum(), signed.sum()) if signed.any() else 0
        members += share * candidates.sum() + fixed.sum()
        above += share * (candidates & (m > threshold)).sum() + (fixed & (np.abs(g) > threshold)).sum()
    return ratio(100 * above, members)


def overlap(rng, stream, options, args):
    k = int(rng.integers(1, 5))
    mode = rng.choice(["reference", "running", "lag", "all-pairs"])
    lag, start = int(rng.integers(1, 4)), 0
    args += ["--class", str(k)]
    if mode != "reference":
        args += ["--" + mode] + ([str(lag)] if mode == "lag" else [])
    if mode in ("reference", "running") and rng.random() < 0.5:
        start = int(rng.integers(len(stream)))
        start = [r["step"] for r in stream].index(stream[start]["step"])
        args += ["--reference", str(stream[start]["step"])]
    order = stream[0]["order"]

    def member(record, name):
        return (classify(*record["pairs"][name]) == k).ravel()

    def common_columns(record, columns, n, epoch=True):
        first = {"step": record["step"], "epoch": record["epoch"]} if epoch else {"step": record["step"]}
        return {**first, **columns, "parameters": n}

    def pair(reference, record, columns, names):
        a = [member(reference, name) for name in names]
        b = [member(record, name) for name in names]
        n = sum(x.size for x in a)
        size_a, size_b = sum(int(x.sum()) for x in a), sum(int(x.sum()) for x in b)
        both = sum(int((x & y).sum()) for x, y in zip(a, b))
        either = sum(int((x | y).sum()) for x, y in zip(a, b))
        agree = ratio(sum(int((x == y).sum()) for x, y in zip(a, b)), n)
        by_chance = ratio(size_a * size_b + (n - size_a) * (n - size_b), n * n)
        chance = ratio(size_a * size_b, n)
        row = {
            "reference_size": of(size_a, n, options),
            "class_size": of(size_b, n, options),
            "overlap": of(both, n, options),
            "overlap_percent": ratio(100 * both, size_a),
            "chance": of(chance, n, options),
            "lift": ratio(both, chance),
            "jaccard": ratio(both, either),
            "kappa": ratio(agree - by_chance, 1 - by_chance),
        }
        if options["null"]:
            tensors = sum(ratio(x.sum() * y.sum(), x.size) for x, y in zip(a, b) if x.size)
            row["tensor_chance"], row["tensor_lift"] = of(tensors, n, options), ratio(both, tensors)
        return n, row

    def rows_of(reference, record):
        for columns, names in groups(record, options, order):
            n, row = pair(reference, record, columns, names)
            if mode == "all-pairs":
                yield {"step": record["step"], "other_step": reference["step"], **columns, "parameters": n, **row}
            else:
                head = common_columns(record, columns, n)
                yield {**head, "reference_step": reference["step"], **row}

    if mode == "reference":
        for record in stream[start:]:
            yield from rows_of(stream[start], record)
    elif mode == "lag":
        for before, record in zip(stream, stream[lag:]):
            yield from rows_of(before, record)
    elif mode == "all-pairs":
        for i, record in enumerate(stream):
            for other in stream[:i]:
                yield from rows_of(other, record)
                yield from rows_of(record, other)
            yield from rows_of(record, record)
    else:
        for i in range(start, len(stream)):
            for columns, names in groups(stream[i], options, order):
                sets = [[member(r, name) for name in names] for r in stream[start : i + 1]]
                sizes = [sum(int(x.sum()) for x in s) for s in sets]
                n = sum(x.size for x in sets[0])
                alive = sum(int(np.logical_and.reduce(x).sum()) for x in zip(*sets))
                chance = float(sizes[0])
                for size in sizes[1:]:
                    chance *= ratio(size, n)
                row = common_columns(stream[i], columns, n)
                row["reference_step"] = stream[start]["step"]
                row["reference_size"] = of(sizes[0], n, options)
                row["class_size"] = of(sizes[-1], n, options)
                row["surviving"] = of(alive, n, options)
                row["surviving_percent"] = ratio(100 * alive, sizes[0])
                row["chance"] = of(chance, n, options)
                if options["null"]:
                    tensors = 0.0
                    for x in zip(*sets):
                        product = float(x[0].sum())
                        for later in x[1:]:
                            product *= later.mean() if later.size else 0
                        tensors += product
                    row["tensor_chance"], row["tensor_lift"] = of(tensors, n, options), ratio(alive, tensors)
                yield row


def class_transitions(rng, stream, options, args):
    order = stream[0]["order"]
    for before, record in zip(stream, stream[1:]):
        for columns, names in groups(record, options, order):
            a = np.concatenate([classify(*before["pairs"][name]).ravel() for name in names])
            b = np.concatenate([classify(*record["pairs"][name]).ravel() for name in names])
            n = a.size
            row = {"step": record["step"], "epoch": record["epoch"], **columns, "parameters": n}
            row["from_step"] = before["step"]
            for x in range(5):
                for y in range(5):
                    row["from%d_to%d" % (x, y)] = of(int(((a == x) & (b == y)).sum()), n, options)
            same = int((a == b).sum())
            chance = ratio(sum(x * y for x, y in zip(counts_of(a), counts_of(b))), n)
            row["unchanged"] = of(same, n, options)
            row["kappa"] = ratio(same - chance, n - chance)
            if options["null"]:
                row["unchanged_chance"] = of(chance, n, options)
            yield row


TOOLS = {
    "classify-ratio": classify_ratio,
    "bucket-stats": bucket_stats,
    "flat-threshold": flat_threshold,
    "overlap": overlap,
    "class-transitions": class_transitions,
}

# --- Comparison ------------------------------------------------------------------------------------------------


def run(command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **how)
    if done.returncode or done.stderr:
        sys.exit("%s: status %d: %s" % (" ".join(command), done.returncode, done.stderr.decode()))
    return done.stdout


def equal(seen, wanted, tolerance):
    if wanted is None:
        return True
    if isinstance(wanted, (str, int, np.integer)):
        return seen == str(wanted)
    value = float(seen)
    if math.isnan(wanted) or math.isnan(value) or math.isinf(wanted):
        return str(value) == str(float(wanted))
    return abs(value - wanted) <= tolerance * max(abs(wanted), 1e-300) or abs(value - wanted) < 1e-12


def compare(table, wanted, command):
    rows = list(csv.reader(io.StringIO(table.decode())))
    if wanted and rows[0] != list(wanted[0]):
        sys.exit("%s: header\n%s\nwanted\n%s" % (command, rows[0], list(wanted[0])))
    if len(rows) - 1 != len(wanted):
        sys.exit("%s: %d rows, wanted %d" % (command, len(rows) - 1, len(wanted)))
    for number, (row, expected) in enumerate(zip(rows[1:], wanted), 1):
        for seen, (column, value) in zip(row, expected.items()):
            # A search sees the place of a maximum to half the digits only.
            if not equal(seen, value, 1e-6 if column.startswith("null_") else 1e-9):
                sys.exit("%s: row %d: %s is %s, wanted %r" % (command, number, column, seen, value))


def one_round(tool, seed, folder):
    rng = np.random.default_rng(seed)
    stream, data = make_stream(rng)
    options = {
        "by": rng.choice(["record", "tensor", "kind"]),
        "globs": ["*"],
        "percent": bool(rng.random() < 0.3),
        "null": bool(rng.random() < 0.5),
    }
    args = ["--by", options["by"]] if options["by"] != "record" or rng.random() < 0.5 else []
    args += ["--percent"] if options["percent"] else []
    args += ["--null"] if options["null"] else []
    if rng.random() < 0.4:
        options["globs"] = ["*.weight"] if rng.random() < 0.5 else ["*conv*", "bn1.*"]
        if not any(fnmatch.fnmatchcase(n, g) for n in stream[0]["order"] for g in options["globs"]):
            options["globs"] = ["*"]
        args += [word for glob in options["globs"] for word in ("--tensors", glob)]
    wanted = list(TOOLS[tool](rng, stream, options, args))
    path = os.path.join(folder, "stream")
    with open(path, "wb") as file:
        file.write(data)
    command = [os.path.join(TOOL_FOLDER, tool)] + args
    table = run(command + [path])
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        if run(command, stdin=cat.stdout) != table:
            sys.exit("%s: seed %d: the table of a pipe differs" % (" ".join(command), seed))
    compare(table, wanted, "seed %d: %s" % (seed, " ".join(command)))


def main():
    tool, rounds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(rounds):
            one_round(tool, seed, folder)
    print("%s: %d streams agree with NumPy %s" % (tool, rounds, np.__version__))


if __name__ == "__main__":
    main()
