"""The peak memory of an analysis tool on a stream that is made while it is read, through a pipe, or on
a file that is a hole.

    analysis_memory.py records COUNT TOOL [OPTION]...      COUNT records of 100,000 parameters
    analysis_memory.py parameters COUNT TOOL [OPTION]...   one record of COUNT parameters in 20 tensors
    analysis_memory.py file COUNT TOOL [OPTION]...         the same as a file
    analysis_memory.py checked COUNT TOOL [OPTION]...      ... with a checksum

Prints "TOOL: PEAK MB, SECONDS s, GB GB". Fails where the first needs more than 4 MB more than a
stream of 10 records does, the second more than 200 MB, and those of files more than 64 MB."""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

BLOCK = 1 << 18  # elements of the pattern that is repeated


def header(counts):
    entries, offset = {}, 0
    for i, count in enumerate(counts):
        for prefix in ("current", "perturbed"):
            entries["%s/layer%d.conv.weight" % (prefix, i)] = {
                "dtype": "F32",
                "shape": [count // 4, 4],
                "data_offsets": [offset, offset + 4 * count],
            }
            offset += 4 * count
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write_record(pipe, counts, pattern):
    pipe.write(header(counts))
    for count in counts:
        for part in pattern:
            left = 4 * count
            while left:
                piece = part[: min(left, len(part))]
                pipe.write(piece)
                left -= len(piece)


def peak_of(command, record_count, counts):
    """(peak in MB, seconds) of a tool that reads such a stream, in a process of its own."""
    rng = np.random.default_rng(1)
    g = rng.normal(size=BLOCK).astype("f4")
    gp = g + 0.5 * rng.normal(size=BLOCK).astype("f4")
    pattern = [memoryview(part.tobytes()) for part in (g, gp)]
    started = time.time()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as tool:
        for _ in range(record_count):
            write_record(tool.stdin, counts, pattern)
        tool.stdin.close()
        _, status, usage = os.wait4(tool.pid, 0)
        tool.returncode = status
    if status:
        sys.exit("%s: status %d" % (command[0], status))
    return usage.ru_maxrss / 1024, time.time() - started


def peak_of_file(command, counts, checked):
    with tempfile.NamedTemporaryFile() as file:
        file.write(header(counts))
        file.truncate(file.tell() + 8 * sum(counts))
        if checked:
            grad_cat = os.path.join(os.environ["SAM_BIN"], "grad-cat")
            subprocess.run([grad_cat, "--checksum", "-o", file.name, file.name], check=True)
        return peak_of(command + [file.name], 0, [])


def main():
    what, count, tool = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    command = [os.path.join(os.environ["SAM_BIN"], tool)] + sys.argv[4:]
    if what == "records":
        few, _ = peak_of(command, 10, [60000, 40000])
        peak, seconds = peak_of(command, count, [60000, 40000])
        bytes_read, most = 8e5 * count, few + 4
    else:
        counts = [count // 80 * 4] * 20
        file = what != "parameters"
        peak, seconds = peak_of_file(command, counts, what == "checked") if file else peak_of(command, 1, counts)
        bytes_read, most = 8 * count, 64 if file else 200
    print("%s: %.1f MB, %.2f s, %.1f GB" % (tool, peak, seconds, bytes_read / 1e9))
    if peak > most:
        sys.exit("%s: %.1f MB, wanted at most %.1f" % (tool, peak, most))


if __name__ == "__main__":
    main()
