#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files that tools/gpu-report.sh hands over, from what its steps have left so far: report.py WORK OUT.

report.txt for people, results.json with all records, picture.svg. Called after every step: whatever is missing or cut off is left out.
"""
import glob
import json
import math
import os
import sys

OTHERS = ("torch-cudnn", "torch-native")


def read_text(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def read_records(work):
    """All records of benches and PyTorch, benches in the order of their files."""
    records = []
    for path in sorted(glob.glob(os.path.join(work, "bench-*.json"))) + sorted(glob.glob(os.path.join(work, "torch-*.json"))):
        try:
            records += json.loads(read_text(path))["records"]
        except (ValueError, KeyError, TypeError):
            pass
    return records


def collect(records):
    """{(op, shape, layout, type): {implementation: record, "limit": GB/s}}, in the order of the records."""
    cases = {}
    for record in records:
        key = (record["op"], "x".join(map(str, record["shape"])), record["layout"], record["type"])
        case = cases.setdefault(key, {"limit": 0})
        seconds = record.get("device_s") or 0
        if record["impl"].startswith(("copy", "triad")):
            case["limit"] = max(case["limit"], 1e-9 * record["bytes"] / seconds if seconds else 0)
        else:
            case[record["impl"]] = record
    return cases


def device_seconds(case, implementation):
    return (case.get(implementation) or {}).get("device_s") or 0


def rate(case):
    """GB/s of clbn's."""
    seconds = device_seconds(case, "clbn")
    return 1e-9 * case["clbn"]["bytes"] / seconds if seconds else 0


def times_as_fast(case, other):
    """How many times as fast as the other clbn is; 0: not known."""
    ours, theirs = device_seconds(case, "clbn"), device_seconds(case, other)
    return theirs / ours if ours and theirs else 0


def shown(form, value):
    return form % value if value else "-"


def table(cases):
    lines = ["Times on the device in us, of calls that follow each other; wall: of a call with its wait. Limit: a kernel that only moves",
             "the bytes. The last two columns are how many times as fast as PyTorch clbn is, with cuDNN and without.", "",
             "%-9s %-17s %-5s %-8s %9s %9s %8s %8s %10s %10s %8s %8s" % (
                 "op", "shape", "order", "type", "device", "wall", "GB/s", "of limit", "cuDNN us", "native us", "to cuDNN", "to native")]
    for key, case in cases.items():
        if "clbn" not in case:
            continue
        lines.append("%-9s %-17s %-5s %-8s %9s %9s %8s %8s %10s %10s %8s %8s" % (
            *key, shown("%.1f", 1e6 * device_seconds(case, "clbn")), shown("%.1f", 1e6 * (case["clbn"].get("median_s") or 0)),
            shown("%.1f", rate(case)), shown("%.2f", rate(case) / case["limit"] if case["limit"] else 0),
            *(shown("%.1f", 1e6 * device_seconds(case, other)) for other in OTHERS),
            *(shown("%.2fx", times_as_fast(case, other)) for other in OTHERS)))
    return lines


def means(cases):
    """Geometric means by batch, operation, layout and type: of the limit, and against the better of both PyTorches."""
    groups = {}
    for (op, shape, layout, kind), case in cases.items():
        group = groups.setdefault((op, "batch " + shape.split("x")[0] if layout != "nc" else "(m, d)", layout, kind), ([], []))
        best = min((times_as_fast(case, other) for other in OTHERS if times_as_fast(case, other)), default=0)
        if rate(case) and case["limit"]:
            group[0].append(rate(case) / case["limit"])
        if best:
            group[1].append(best)
    lines = ["Geometric means, and in brackets the least: of the limit; times as fast as the better of cuDNN and PyTorch's own"]
    for group, columns in groups.items():
        texts = []
        for values in columns:
            mean = math.exp(sum(map(math.log, values)) / len(values)) if values else 0
            texts.append("%.2f (%.2f) of %d" % (mean, min(values), len(values)) if values else "-")
        if columns[0] or columns[1]:
            lines.append("%-9s %-10s %-5s %-8s %-22s %s" % (*group, *texts))
    return lines


def suites(work):
    """A line for each suite: its exit code, and of one that failed what it said last."""
    lines = []
    for path in sorted(glob.glob(os.path.join(work, "suites", "*.code"))):
        name, code = os.path.basename(path)[:-5], read_text(path).strip()
        log = read_text(path[:-5] + ".log").strip().splitlines()
        verdict = {"0": "passed", "124": "STOPPED, there was no more time"}.get(code, "FAILED, exit code " + code)
        lines.append("%-22s %s" % (name, verdict))
        if code not in ("0", "124"):
            lines += ["    " + line[:200] for line in log[-6:]]
    return lines


def programs(work):
    lines = [line for line in read_text(work, "programs.log").splitlines() if " s status " in line]
    seconds = [float(line.split()[1]) for line in lines]
    if not lines:
        return []
    failed = [line for line in lines if " status 0 " not in line]
    return ["%d programs: %.1f s each in the mean, %.1f at most; %d not built" % (
        len(lines), sum(seconds) / len(seconds), max(seconds), len(failed))] + failed


def picture(cases):
    """Bars of GB/s for each case, by operation and type, with the limit as a line."""
    charts = {}
    for (op, shape, layout, kind), case in cases.items():
        if rate(case):
            charts.setdefault("%s, %s" % (op, kind), []).append(("%s %s" % (shape, layout), case))
    top = 1.05 * max([max(rate(case), case["limit"]) for chart in charts.values() for _, case in chart], default=1)
    width = 140 + 50 * max([len(chart) for chart in charts.values()], default=1)
    parts = []

    def text(x, y, words, more=""):
        parts.append('<text x="%.0f" y="%.0f" %s>%s</text>' % (x, y, more, words))

    for number, (title, chart) in enumerate(charts.items()):
        base = 270 + 330 * number
        text(110, base - 215, title + ": GB/s of the bytes that must move, on the device")
        for step in range(5):
            text(104, base - 50 * step + 4, "%.0f" % (top * step / 4), 'text-anchor="end"')
        for i, (name, case) in enumerate(chart):
            x = 114 + 50 * i
            for j, (implementation, colour) in enumerate(zip(("clbn",) + OTHERS, ("#0072b2", "#d55e00", "#e69f00"))):
                seconds = device_seconds(case, implementation)
                height = 200 * 1e-9 * case["clbn"]["bytes"] / seconds / top if seconds else 0
                parts.append('<rect x="%d" y="%.1f" width="13" height="%.1f" fill="%s"/>' % (x + 14 * j, base - height, height, colour))
            y = base - 200 * case["limit"] / top
            parts.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#000000" stroke-width="2"/>' % (x - 2, y, x + 43, y))
            parts.append('<text transform="translate(%d %d) rotate(-40)" text-anchor="end">%s</text>' % (x + 20, base + 14, name))
    for j, (name, colour) in enumerate((("clbn", "#0072b2"), ("torch-cudnn", "#d55e00"), ("torch-native", "#e69f00"))):
        parts.append('<rect x="%d" y="10" width="12" height="12" fill="%s"/>' % (110 + 110 * j, colour))
        text(126 + 110 * j, 20, name)
    text(440, 20, "black line: the limit, a kernel that only moves the bytes")
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">\n'
            '<rect width="100%%" height="100%%" fill="#ffffff"/>\n%s\n</svg>\n' % (max(width, 760), 60 + 330 * len(charts), "\n".join(parts)))


def write(path, text):
    """The old file stays whole until the new one is."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main(work, out):
    records = read_records(work)
    cases = collect(records)
    parts = [read_text(work, "notes.txt").splitlines()]
    facts = [line for line in read_text(work, "probe.log").splitlines() if line.split(":")[0] in ("name", "version", "driver", "facts")]
    for title, lines in (("Device", facts), ("Programs", programs(work)), ("Geometric means", means(cases) if cases else []),
                         ("Times", table(cases) if cases else []), ("Accuracy suites", suites(work))):
        if lines:
            parts.append(["", "==== " + title, *lines])
    write(os.path.join(out, "report.txt"), "\n".join(line for part in parts for line in part) + "\n")
    write(os.path.join(out, "results.json"), json.dumps({"records": records}, indent=1) + "\n")
    if cases:
        write(os.path.join(out, "picture.svg"), picture(cases))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
