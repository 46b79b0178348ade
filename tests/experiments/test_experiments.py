#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of tools/experiments: test_experiments.py FOLDER_OF_TOOLS. What stands in for clbn writes small results at once."""
import html.parser
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
TOOLS = sys.argv[1]
sys.path.insert(0, TOOLS)
from experiment_page import charts, results  # noqa: E402

# Writes what the option --log or --json names; counts its calls; fails where a file "fail" is there, and waits where "wait" is.
STAND_IN = '''#!/usr/bin/env python3
import json, os, sys, time
words = sys.argv[1:]
if words[0] in ("--version", "devices"):
    print("0* a <device> & more" if words[0] == "devices" else "clbn 9")
    sys.exit()
with open("calls", "a") as calls:
    calls.write(" ".join(words) + chr(10))
if os.path.exists("fail"):
    sys.exit("clbn: it fails")
if os.path.exists("wait"):
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(60)
option = dict(zip(words, words[1:]))
if "--log" in option:
    with open(option["--log"], "w") as file:
        file.write("seed,step,network,training_loss,test_loss,test_accuracy,input_p15,input_p50,input_p85" + chr(10))
        for seed in (1, 2):
            for step in (0, 1000, 50000):
                for network in ("plain", "batch_norm"):
                    file.write("%d,%d,%s,%s,1,%g,-1,0.5,%s" % (seed, step, network, "" if step == 0 else "2", 0.7 + seed / 10,
                                                             "nan" if step == 1000 else "2") + chr(10))
elif words[0] == "bench":
    records = [dict(op="forward", layout=layout, shape=[2, 3], impl=impl, gb_per_s=speed) for layout in ("nchw", "nhwc")
               for impl, speed in (("clbn", 5), ("copy", 8), ("copy-nontemporal", 10))]
    json.dump({"records": records}, open(option["--json"], "w"))
else:
    points = [dict(step=step, frozen=step > 8, training_loss=1, test_loss=1, test_accuracy=0.9) for step in (0, 8, 12)]
    json.dump(dict(layout="nhwc", type="float32", steps=8, frozen_steps=4, seconds=200, processor_seconds=390, points=points,
                   folded=dict(samples=10, agreeing=9, test_accuracy=0.91, logit_difference=1e-6, inference_s=0.02, folded_inference_s=0.01),
                   step=dict(clbn_s=0.1, clbn_norms_s=0.004, textbook_s=0.2, textbook_norms_s=0.1)), open(option["--json"], "w"))
'''


class Links(html.parser.HTMLParser):
    """What a page would load from elsewhere, and whether its elements are closed."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data")] + [tag] * (tag in ("script", "link"))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


class Experiments(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clbn = os.path.join(self.folder.name, "clbn")
        with open(self.clbn, "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(self.clbn, 0o755)
        self.work = os.path.join(self.folder.name, "work")
        self.page = os.path.join(self.folder.name, "page.html")

    def tearDown(self):
        self.folder.cleanup()

    def command(self, *more):
        return [os.path.join(TOOLS, "experiments"), "--clbn", self.clbn, "--folder", self.work, "--output", self.page, "--fashion",
                self.folder.name, *more]

    def run_all(self, *more):
        return subprocess.run(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def touch(self, name):
        with open(os.path.join(self.work, name), "w", encoding="utf-8"):
            pass

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def calls(self):
        return self.read(os.path.join(self.work, "calls")).splitlines()

    def test_the_page_has_all_and_loads_nothing(self):
        done = self.run_all()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = self.read(self.page)
        links = Links()
        links.feed(page)
        self.assertEqual((links.loads, links.open), ([], []))
        self.assertNotIn("url(", page)
        self.assertEqual(page.count("<section>"), 8)
        self.assertEqual(page.count("<svg"), 9 + 6) # a chart of lines has one within
        for svg in re.findall(r"<svg.*?</svg>(?!<path class=\"axis)", page, re.S):
            xml.etree.ElementTree.fromstring(svg)
        self.assertIn("a &lt;device&gt; &amp; more", page)
        for call in self.calls():
            self.assertIn("clbn " + call, page)
        for number in ("85.00 (80.00 to 90.00)", "9 of 10", "25.0", "50 %"):
            self.assertIn(number, page)

    def test_colours_are_of_the_page(self):
        self.run_all("--only", "cnn")
        page = self.read(self.page)
        style, body = page.split("</style>")
        self.assertIn("prefers-color-scheme: dark", style)
        self.assertIsNone(re.search(r'(fill|stroke)="|#[0-9a-f]{3}\b', body))

    def test_what_is_done_is_not_repeated(self):
        self.run_all("--only", "paper", "bench")
        self.assertEqual(len(self.calls()), 2)
        self.assertEqual(self.read(self.page).count("<section>"), 2)
        self.run_all()
        synchronised = 6 if shutil.which("mpirun") else 0  # each called by four processes
        self.assertEqual(len(set(self.calls())), 2 + 1 + 1 + 4 + 23 + synchronised + 6 + 2)

    def test_a_failure_keeps_what_was_done(self):
        self.run_all("--only", "paper")
        self.touch("fail")
        failed = self.run_all()
        self.assertEqual(failed.returncode, 1)
        self.assertIn("that failed", failed.stderr)
        self.assertEqual(self.read(self.page).count("<section>"), 1)
        os.unlink(os.path.join(self.work, "fail"))
        self.assertEqual(self.run_all().returncode, 0)

    def test_it_can_be_stopped_and_goes_on(self):
        self.run_all("--only", "paper")
        self.touch("wait")
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            while "waiting" not in process.stderr.readline():
                pass
            os.killpg(process.pid, signal.SIGINT) # as a terminal does
            _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("experiments: stopped; run it again to go on", err)
        self.assertEqual(self.read(self.page).count("<section>"), 1)
        os.unlink(os.path.join(self.work, "wait"))
        self.assertEqual(self.run_all().returncode, 0)
        self.assertEqual(self.read(self.page).count("<section>"), 8)

    def test_wrong_arguments_have_a_sentence(self):
        self.assertEqual(self.run_all("--only", "none").returncode, 2)
        failed = self.run_all("--digits", os.path.join(self.folder.name, "none"))
        self.assertEqual(failed.returncode, 1)
        self.assertIn("there is no data set in", failed.stderr)


class Charts(unittest.TestCase):
    def test_ticks_are_round_and_inside(self):
        self.assertEqual(charts.ticks(70, 100), [70, 75, 80, 85, 90, 95, 100])
        self.assertEqual(charts.ticks(0, 50000), [0, 10000, 20000, 30000, 40000, 50000])
        self.assertEqual([round(tick, 9) for tick in charts.ticks(-0.25, 0.31)], [-0.2, -0.1, 0, 0.1, 0.2, 0.3])

    def test_a_line_goes_through_its_points(self):
        svg = charts.lines("t", "x", "y", [{"colour": "one", "x": [0, 10], "y": [0, 1]}], (0, 1))
        self.assertIn('d="M%.1f %.1fL%.1f %.1f"' % (charts.LEFT, charts.HEIGHT - charts.BOTTOM, charts.WIDTH - charts.RIGHT, charts.TOP), svg)

    def test_a_band_reaches_from_the_least_to_the_greatest(self):
        one = results.series_of({0: [1.0, 3.0], 5: [2.0, 2.0], 7: []}, "one")
        self.assertEqual((one["x"], one["y"], one["low"], one["high"]), ([0, 5], [2.0, 2.0], [1.0, 2.0], [3.0, 2.0]))

    def test_accuracies_stand_at_the_size_that_statistics_are_of(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, "%d.csv" % size) for size in (2, 8, 9)]
            for path, accuracy in zip(paths, (0.5, 0.75, 0.8)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("seed,step,network,test_accuracy\n1,0,batch_norm,0.1\n1,9,batch_norm,%g\n" % accuracy)
            _, tables = results.batches([("batch", 2), ("batch", 8), ("synchronised", 2)], paths)
        self.assertIn("<tr><th>size</th><th>batch norm</th><th>four processes</th></tr>", tables[0])
        self.assertIn("<tr><td>2</td><td>50.00</td><td>80.00</td></tr>", tables[0])
        self.assertIn("<tr><td>8</td><td>75.00</td><td></td></tr>", tables[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
