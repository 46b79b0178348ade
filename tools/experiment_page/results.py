# SPDX-License-Identifier: MIT
"""From an experiment's files to its section of the page."""
import csv
import json
import math
import statistics

from experiment_page import charts, page

COLOURS = {"plain": "one", "batch_norm": "two"}
NAMES = {"plain": "without batch norm", "batch_norm": "with batch norm"}


def read_curves(path):
    """{network: {column: {step: [a value of each seed]}}}; what is no finite number is left out."""
    curves = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            columns = curves.setdefault(row["network"], {})
            for name, value in row.items():
                if name not in ("seed", "step", "network"):
                    number = float(value) if value else math.nan
                    values = columns.setdefault(name, {}).setdefault(int(row["step"]), [])
                    if math.isfinite(number):
                        values.append(number)
    return curves


def series_of(values, colour, name=None, scale=1):
    """A line of means, in a band from the least to the greatest where there are several seeds."""
    kept = {step: [scale * v for v in several] for step, several in values.items() if several}
    one = {"colour": colour, "name": name, "x": list(kept), "y": [statistics.mean(v) for v in kept.values()]}
    if any(len(v) > 1 for v in kept.values()):
        one["low"], one["high"] = [min(v) for v in kept.values()], [max(v) for v in kept.values()]
    return one


def span(values, unit=""):
    if len(values) == 1:
        return "%.2f%s" % (values[0], unit)
    return "%.2f%s (%.2f to %.2f)" % (statistics.mean(values), unit, min(values), max(values))


def accuracy_chart(curves, y_range):
    return charts.lines("Accuracy on the test set", "steps", "%",
                        [series_of(curves[network]["test_accuracy"], COLOURS[network], NAMES[network], 100) for network in curves], y_range)


def accuracy_table(curves):
    steps = list(next(iter(curves.values()))["test_accuracy"])
    shown = [min(steps, key=lambda step: abs(step - steps[-1] * part)) for part in (0.02, 0.1, 0.4, 1)]
    return page.table(["accuracy in %, after steps"] + ["%d" % step for step in shown],
                      [[NAMES[network]] + [span([100 * v for v in curves[network]["test_accuracy"][step]]) for step in shown]
                       for network in curves])


def paper(path):
    curves = read_curves(path)
    inputs = [name for name in next(iter(curves.values())) if name.startswith("input_p")]
    most = max(abs(v) for columns in curves.values() for name in inputs for several in columns[name].values() for v in several)
    figures = [accuracy_chart(curves, (70, 100))]
    for network, columns in curves.items():
        figures.append(charts.lines("Input of a sigmoid, " + NAMES[network], "steps", "15th, 50th, 85th percentile",
                                    [series_of(columns[name], COLOURS[network]) for name in inputs], (-most, most)))
    return figures, [accuracy_table(curves)]


def compare(path):
    curves = read_curves(path)
    return [accuracy_chart(curves, (50, 100))], [accuracy_table(curves)]


def last_accuracies(curves, network="batch_norm"):
    """In percent, a value of each seed."""
    accuracies = curves[network]["test_accuracy"]
    return [100 * value for value in accuracies[max(accuracies)]]


METHOD_NAMES = {"batch": "batch norm", "ghost": "ghost batches of 256", "renorm": "renormalization", "synchronised": "four processes"}
METHOD_LABELS = {"batch": "plain", "ghost": "ghost", "renorm": "renorm", "synchronised": "sync"}
METHOD_COLOURS = {"batch": "two", "ghost": "three", "renorm": "one", "synchronised": "four"}


def batches(methods, paths):
    """Accuracy against the values that statistics are of; methods: (how they are taken, how many)."""
    found = {}
    for (method, size), path in zip(methods, paths):
        found.setdefault(method, {})[size] = last_accuracies(read_curves(path))
    series = [series_of({math.log2(size): values for size, values in by_size.items()}, METHOD_COLOURS[method], METHOD_LABELS[method])
              for method, by_size in found.items()]
    least = min(value for by_size in found.values() for values in by_size.values() for value in values)
    sizes = sorted(found["batch"])
    rows = [[str(size)] + [span(by_size[size]) if size in by_size else "" for by_size in found.values()] for size in sizes]
    figure = charts.lines("Accuracy after an epoch", "binary logarithm of the size", "%", series, (5 * math.floor(least / 5), 90))
    return [figure], [page.table(["size"] + [METHOD_NAMES[method] for method in found], rows)]


def frozen(*paths):
    """paths: those of updated statistics, then as many of frozen ones."""
    ends = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            ends.append(100 * json.load(file)["points"][-1]["test_accuracy"])
    half = len(ends) // 2
    rows = [("of each batch", span(ends[:half])), ("running ones, constant", span(ends[half:]))]
    return [], [page.table(("statistics of the last steps", "accuracy in %"), rows)]


def dropout(rates, paths):
    rows = []
    for rate, path in zip(rates, paths):
        curves = read_curves(path)
        rows += [(NAMES[network], rate, span(last_accuracies(curves, network))) for network in curves]
    return [], [page.table(("network", "dropout", "accuracy in %"), rows)]


def milliseconds(seconds):
    return "%.1f ms" % (1e3 * seconds)


def shares(records):
    """What batch norm takes of a step, by clbn and by a textbook's kernels."""
    step = [record["step"] for record in records]
    names = ["%s %s" % (record["layout"].upper(), record["type"]) for record in records]
    ours = [100 * s["clbn_norms_s"] / s["clbn_s"] for s in step]
    theirs = [100 * s["textbook_norms_s"] / s["textbook_s"] for s in step]
    figure = charts.bars("Batch norm's share of a training step", "%", names,
                         [{"name": "clbn", "colour": "two", "values": ours}, {"name": "textbook kernels", "colour": "one", "values": theirs}])
    rows = [(name, milliseconds(s["clbn_norms_s"]), milliseconds(s["clbn_s"]), milliseconds(s["textbook_norms_s"]),
             milliseconds(s["textbook_s"]), "%.1f" % (s["textbook_norms_s"] / s["clbn_norms_s"])) for name, s in zip(names, step)]
    return figure, page.table(("images stored", "batch norm, clbn", "whole step", "batch norm, textbook", "whole step", "times as long"), rows)


def folding(records):
    rows = []
    for record in records:
        folded = record["folded"]
        rows.append(("%s %s" % (record["layout"].upper(), record["type"]), "%.2f %%" % (100 * record["points"][-1]["test_accuracy"]),
                     "%.2f %%" % (100 * folded["test_accuracy"]), "%d of %d" % (folded["agreeing"], folded["samples"]),
                     "%.1e" % folded["logit_difference"], milliseconds(folded["inference_s"]), milliseconds(folded["folded_inference_s"])))
    return page.table(("images stored", "accuracy", "folded", "same predictions", "logits differ by", "a batch's inference", "folded"), rows)


def cnn(path):
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    points = record["points"]
    trained = [point for point in points if not point["frozen"]]
    frozen = [trained[-1]] + [point for point in points if point["frozen"]]

    def line(colour, name, some):
        return {"colour": colour, "name": name, "x": [p["step"] for p in some], "y": [100 * p["test_accuracy"] for p in some]}

    series = [line("two", "batch's statistics", trained)] + ([line("three", "frozen statistics", frozen)] if len(frozen) > 1 else [])
    share, table = shares([record])
    took = page.table(("steps", "accuracy", "with frozen statistics", "time", "processors' time"),
                      [("%d + %d" % (record["steps"], record["frozen_steps"]), "%.2f %%" % (100 * trained[-1]["test_accuracy"]),
                        "%.2f %%" % (100 * points[-1]["test_accuracy"]), page.duration(record["seconds"]),
                        page.duration(record["processor_seconds"]))])
    return [charts.lines("Accuracy on the test set", "steps", "%", series, (70, 100)), share], [took, folding([record]), table]


def storage(*paths):
    records = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            records.append(json.load(file))
    share, table = shares(records)
    return [share], [table, folding(records)]


def bench(path):
    with open(path, encoding="utf-8") as file:
        records = json.load(file)["records"]
    cases = {}
    for record in records:
        case = cases.setdefault((record["op"], record["layout"], "x".join(map(str, record["shape"]))), {})
        if record["impl"] == "clbn":
            case["clbn"] = record["gb_per_s"]
        elif record["impl"].startswith(("copy", "triad")):
            case["limit"] = max(case.get("limit", 0), record["gb_per_s"])
    rows, groups = [], {}
    for (op, layout, shape), case in cases.items():
        if "clbn" in case and "limit" in case:
            rows.append((op, layout.upper(), shape, "%.1f" % case["clbn"], "%.1f" % case["limit"], "%.0f %%" % (100 * case["clbn"] / case["limit"])))
            groups.setdefault((op, layout), []).append(math.log(case["clbn"] / case["limit"]))
    layouts = sorted({layout for _, layout in groups}, reverse=True)
    ops = list(dict.fromkeys(op for op, _ in groups))
    series = [{"name": layout.upper(), "colour": colour,
               "values": [100 * math.exp(statistics.mean(groups[op, layout])) if (op, layout) in groups else None for op in ops]}
              for layout, colour in zip(layouts, ("two", "three"))]
    figure = charts.bars("Speed, of a copy's", "% of a copy's GB/s", ops, series)
    return [figure], [page.table(("operation", "layout", "shape", "GB/s", "limit", ""), rows)]
