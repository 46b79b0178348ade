#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of what tools/gpu-report.sh hands over: test_gpu_report.py FOLDER_OF_TOOLS CLBN_GPU_PROBE. The device is PoCL's or any other
CPU."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOLS, PROBE = sys.argv[1:3]
sys.path.insert(0, os.path.join(TOOLS, "gpu_report"))
import report  # noqa: E402


def record(implementation, shape, device, **more):
    return dict({"op": "forward", "shape": shape, "layout": "nchw", "type": "float32", "impl": implementation, "median_s": 2e-3,
                 "device_s": device, "bytes": 4000000}, **more)


class Files(unittest.TestCase):
    """4 MB in 1 ms are 4 GB/s, half of the better copy's; cuDNN takes three times as long, PyTorch's own half."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.work, self.out = os.path.join(self.folder.name, "work"), self.folder.name
        os.makedirs(os.path.join(self.work, "suites"))
        self.put("notes.txt", "[0 s] Linux\n")
        self.put("bench-001-a.json", json.dumps({"records": [
            record("clbn", [2, 3, 5], 1e-3), record("copy", [2, 3, 5], 2e-3), record("copy-nontemporal", [2, 3, 5], 5e-4),
            record("clbn", [7, 3], None)]}))
        self.put("torch-1.json", json.dumps({"records": [record("torch-cudnn", [2, 3, 5], 3e-3), record("torch-native", [2, 3, 5], 5e-4)]}))

    def tearDown(self):
        self.folder.cleanup()

    def put(self, name, text):
        with open(os.path.join(self.work, name), "w", encoding="utf-8") as file:
            file.write(text)

    def get(self, name):
        self.assertEqual(report.main(self.work, self.out), 0)
        with open(os.path.join(self.out, name), encoding="utf-8") as file:
            return file.read()

    def lines(self):
        return [line.split() for line in self.get("report.txt").splitlines()]

    def test_a_row_has_its_figures(self):
        self.assertIn("forward 2x3x5 nchw float32 1000.0 2000.0 4.0 0.50 3000.0 500.0 3.00x 0.50x".split(), self.lines())

    def test_what_was_not_measured_is_a_dash(self):
        self.assertIn("forward 7x3 nchw float32 - 2000.0 - - - - - -".split(), self.lines())

    def test_means_take_the_better_pytorch(self):
        self.assertIn("forward batch 2 nchw float32 0.50 (0.50) of 1 0.50 (0.50) of 1".split(), self.lines())

    def test_a_file_that_is_cut_off_is_left_out(self):
        self.put("bench-002-b.json", '{"records": [{"op": "forwa')
        self.put("torch-2.json", "")
        self.assertEqual(len(json.loads(self.get("results.json"))["records"]), 6)

    def test_nothing_was_measured(self):
        for name in ("bench-001-a.json", "torch-1.json"):
            os.remove(os.path.join(self.work, name))
        self.assertEqual(self.get("report.txt"), "[0 s] Linux\n")
        self.assertFalse(os.path.exists(os.path.join(self.out, "picture.svg")))

    def test_suites_programs_and_facts(self):
        for name, code in (("exact", 0), ("forward", 1), ("views", 124)):
            self.put("suites/%s.code" % name, "%d\n" % code)
            self.put("suites/%s.log" % name, "said by %s\n" % name)
        self.put("programs.log", "a 1.00 s status 0 -D\nb 3.00 s status -11 -D\n")
        self.put("probe.log", "name: a GPU\nextensions: many\nfacts: units=4\n")
        text = self.get("report.txt")
        for part in ("exact                  passed", "forward                FAILED, exit code 1\n    said by forward", "views                  STOPPED",
                     "2 programs: 2.0 s each in the mean, 3.0 at most; 1 not built\nb 3.00 s status -11", "name: a GPU", "facts: units=4"):
            self.assertIn(part, text)
        self.assertNotIn("said by exact", text)
        self.assertNotIn("extensions", text)

    def test_the_picture(self):
        text = self.get("picture.svg")
        self.assertTrue(text.startswith("<svg ") and text.endswith("</svg>\n"))
        # Three in the legend, and one for each implementation of the shape that was measured; its limit.
        self.assertEqual(text.count("<rect x"), 6)
        self.assertEqual(text.count('stroke="#000000"'), 1)


class Probe(unittest.TestCase):
    def run_probe(self, *words):
        result = subprocess.run([PROBE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, result.stdout

    def test_facts(self):
        code, text = self.run_probe("facts", "CPU")
        self.assertEqual(code, 0)
        self.assertRegex(text, r"\nfacts: vendor=\d+ double=[01] units=[1-9]\d* group=[1-9]\d* local=[1-9]\d* cache=\d+\n")

    def test_a_device_that_is_not_there(self):
        code, text = self.run_probe("facts", "no such device")
        self.assertEqual(code, 1)
        self.assertIn("platforms: ", text)
        self.assertIn("no device is as wanted ('no such device')", text)

    def test_programs_are_built_in_parts(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, source in (("a", "kernel void good(global int *x) { x[0] = ONE; }\n"), ("b", "kernel void bad(\n"), ("c", "\n")):
                with open(os.path.join(folder, name + ".cl"), "w", encoding="utf-8") as file:
                    file.write(source)
                with open(os.path.join(folder, name + ".options"), "w", encoding="utf-8") as file:
                    file.write("-DONE=1")
            code, text = self.run_probe("build", "CPU", folder, "0", "2")
            self.assertEqual(code, 0, text)
            self.assertRegex(text, r"(?s)^a \d+\.\d\d s status 0 -DONE=1\nc ")
            code, text = self.run_probe("build", "CPU", folder, "1", "2")
            self.assertEqual(code, 1)
            self.assertRegex(text, r"(?m)^b \d+\.\d\d s status -")
            self.assertGreater(os.path.getsize(os.path.join(folder, "b.log")), 0)


class Script(unittest.TestCase):
    """Runs that end before anything is measured."""

    def run_script(self, *words, **environment):
        result = subprocess.run([os.path.join(TOOLS, "gpu-report.sh"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                check=False, env=dict(os.environ, **environment))
        return result.returncode, result.stdout, result.stderr

    def test_wrong_usage(self):
        for words in (["--nonsense"], ["--out"], ["--device"], ["--minutes", "soon"]):
            code, out, err = self.run_script(*words)
            self.assertEqual((code, out, err.count("\n")), (2, "", 1))

    def test_help_says_what_to_carry(self):
        code, out, _ = self.run_script("--help")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^Usage: gpu-report.sh")
        self.assertIn("What to carry", out)

    def carried(self, folder):
        """A folder as --pack makes it, with what is asked first."""
        os.makedirs(os.path.join(folder, "carried", "bin"))
        for name in ("clbn", "clbn_gpu_probe"):
            os.symlink(PROBE, os.path.join(folder, "carried", "bin", name))
        return ["--carried", os.path.join(folder, "carried"), "--out", os.path.join(folder, "out")]

    def test_without_a_device_there_is_a_report_that_says_why(self):
        with tempfile.TemporaryDirectory() as folder:
            empty = os.path.join(folder, "vendors")
            os.makedirs(empty)
            code, out, _ = self.run_script(*self.carried(folder), OCL_ICD_VENDORS=empty)
            self.assertEqual(code, 1)
            with open(os.path.join(folder, "out", "report.txt"), encoding="utf-8") as file:
                text = file.read()
            self.assertIn(text, out)
            self.assertRegex(text, r"probe: FAILED with exit code 1: no device is as wanted \('GPU'\)")
            self.assertIn("    platforms: 0", text)
            self.assertEqual(sorted(os.listdir(os.path.join(folder, "out"))), ["all.tar.gz", "report.txt", "results.json"])

    def test_a_loader_that_is_no_file_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, err = self.run_script(*self.carried(folder), "--opencl-loader", folder + "/none")
            self.assertEqual((code, err), (1, "gpu-report.sh: there is no '%s/none'\n" % folder))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
