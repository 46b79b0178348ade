#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of tools/gpu-check that need no compiler for GPUs: test_gpu_check.py FOLDER_OF_TOOLS CLBN_GPU_PLANS.

The machine code beside this file is that of two kernels: "streaming" loads four vectors of 16 bytes before it uses one, "single" loads
byte by byte.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS, LISTER = sys.argv[1:3]
sys.path.insert(0, TOOLS)
from gpu_check import cases, checks, compilers, machine_code, model  # noqa: E402


def stored(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


class MachineCode(unittest.TestCase):
    def check_both(self, kernels):
        self.assertEqual(sorted(kernels), ["single", "streaming"])
        streaming, = machine_code.describe_kernel(kernels["streaming"])["loops"]
        self.assertEqual((streaming["loads"], streaming["stores"]), ({"16": 4}, {"16": 4}))
        self.assertEqual((streaming["wide_in_flight"], streaming["bytes_in_flight"]), (4, 64))
        single, = machine_code.describe_kernel(kernels["single"])["loops"]
        self.assertEqual((single["loads"], single["loads_in_flight"], single["wide_in_flight"]), ({"1": 1}, 1, 0))

    def test_nvidia(self):
        self.check_both(machine_code.parse_nvidia(stored("nvidia.sass")))

    def test_amd_with_a_counter_of_stores(self):
        self.check_both(machine_code.parse_amd(stored("amd_gfx1100.s")))

    def test_amd_where_loads_and_stores_share_a_counter(self):
        self.check_both(machine_code.parse_amd(stored("amd_gfx90a.s")))

    def test_a_use_ends_what_was_asked_for_before(self):
        lines = ["LDG.E.128 R4, desc[UR4][R2.64]", "LDG.E.128 R8, desc[UR4][R2.64]", "FADD R0, R0, R7", "LDG.E R12, desc[UR4][R2.64]"]
        code = [machine_code.nvidia_instruction(line) for line in lines]
        # R7 is the first load's last word; with the third load, two are under way again.
        self.assertEqual(machine_code.follow(code, 1), (2, 32, 2))
        # In a loop's next turn a register that is loaded anew waits for what it was loaded with before.
        self.assertEqual(machine_code.follow(code[:2], 2), (2, 32, 2))

    def test_local_memory_and_calls_are_counted(self):
        code = [machine_code.nvidia_instruction(line) for line in ("LDL.64 R2, [R1]", "STL [R1], R2", "CALL.REL.NOINC `(helper)",
                                                                   "CALL.REL.NOINC `($k$__internal_0_$__cuda_sm20_div_u64)")]
        described = machine_code.describe_kernel(code)
        self.assertEqual((described["local_accesses"], described["calls"]), (2, 1))


class Compilers(unittest.TestCase):
    def test_a_failed_compiler_is_an_error_with_its_words(self):
        class Failing:
            @staticmethod
            def compile(program, work):
                return compilers.run(["sh", "-c", "echo %s; exit 3" % program["name"]], cwd=work)
        result = compilers.timed_compile(Failing(), {"name": "not C"}, HERE)
        self.assertEqual((result["error"], result["kernels"]), ("CompileError: sh: not C", {}))

    def test_seconds_are_those_of_processors(self):
        compilers.spent.seconds = 0
        self.assertEqual(compilers.run(["sh", "-c", "sleep 0.3; echo done"]), "done\n")
        self.assertLess(compilers.spent.seconds, 0.25)

    def test_ptxas_log(self):
        kernels = compilers.Nvidia.read_log(stored("ptxas.log"))
        self.assertEqual(kernels["streaming"], {"stack": 0, "spills": 0, "registers": 32, "local": 0})
        log = stored("ptxas.log").replace("0 bytes stack frame, 0 bytes spill stores", "48 bytes stack frame, 24 bytes spill stores")
        log = log.replace("used 0 barriers", "used 1 barriers, 6144 bytes smem")
        self.assertEqual(compilers.Nvidia.read_log(log)["single"], {"stack": 48, "spills": 24, "registers": 8, "local": 6144})

    def test_amd_metadata(self):
        kernels = compilers.Amd.read_metadata(stored("amd_gfx1100.s"))
        self.assertEqual(kernels["streaming"], {"registers": 27, "spills": 0, "stack": 0, "local": 0})
        self.assertEqual(sorted(kernels), ["single", "streaming"])

    def test_accesses_of_256_bits_become_two(self):
        ptx = "\tld.global.v4.f64 \t{%fd1, %fd2, %fd3, %fd4}, [%rd1+16];\n\tst.global.v8.b32 \t[%rd2], {a, b, c, d, e, f, g, h};\n"
        self.assertEqual(compilers.split_wide_accesses(ptx),
                         "\tld.global.v2.f64 \t{%fd1, %fd2}, [%rd1+16];\n\tld.global.v2.f64 \t{%fd3, %fd4}, [%rd1+32];\n"
                         "\tst.global.v4.b32 \t[%rd2], {a, b, c, d};\n\tst.global.v4.b32 \t[%rd2+16], {e, f, g, h};\n")


def metrics(wide, **more):
    region = {"loads": {"16": wide} if wide else {"1": 1}, "stores": {}, "loads_in_flight": max(1, wide), "wide_in_flight": wide,
              "bytes_in_flight": 16 * wide or 1}
    return dict({"registers": 32, "local": 0, "spills": 0, "stack": 0, "calls": 0, "resident": 8, "wave": 32, "loops": [region]}, **more)


class Model(unittest.TestCase):
    def test_groups_to_a_unit(self):
        # 256 items of 32 registers are 8192 of 65536; 2048 items are 8 groups. Of 128 registers, two fit; of 20 KB, 10 would.
        self.assertEqual(model.groups_to_a_unit("nvidia", metrics(4), 256), 8)
        self.assertEqual(model.groups_to_a_unit("nvidia", metrics(4, registers=128), 256), 2)
        self.assertEqual(model.groups_to_a_unit("nvidia", metrics(4, local=100 << 10), 256), 2)
        # gfx90a: 4 SIMDs of 8 waves of 64, 512 registers each; gfx1100: 2 SIMDs of 16 waves of 32, 1536 registers each.
        self.assertEqual(model.groups_to_a_unit("amd", metrics(4, wave=64), 256), 8)
        self.assertEqual(model.groups_to_a_unit("amd", metrics(4, wave=64, registers=128), 256), 4)
        self.assertEqual(model.groups_to_a_unit("amd", metrics(4, registers=192), 256), 2)

    def test_the_walk_over_packed_tensors_is_found(self):
        def region(wide, *sizes):
            return {"loads": {str(size): wide for size in sizes}, "stores": {}, "wide_in_flight": wide, "bytes_in_flight": 16 * wide}
        unaligned, aligned, straight = region(4, 2, 16), region(4, 1, 16), region(8, 4, 16)
        found = metrics(4, loops=[unaligned, aligned], straight=straight)
        self.assertIs(model.hot_region(found), aligned)
        self.assertIs(model.hot_region(dict(found, **{"on chip": True})), straight)
        self.assertIs(model.hot_region(dict(found, loops=[region(0, 2)])), straight)

    def test_a_large_kernel_moves_as_fast_as_a_copy(self):
        launch = {"groups": 132 * 8 * 4, "items": 256, "buffers": ["x", "y"]}
        seconds = model.kernel_seconds(launch, 4.3e9, 4.3e9, 0, metrics(4), 8)
        self.assertAlmostEqual(seconds, 3e-6 + 2e-3, places=6)

    def test_too_little_under_way_is_slow(self):
        # 132 groups of 256 items with 1 byte each: 33792 bytes in 0.6 us are 56 GB/s.
        launch = {"groups": 132, "items": 256, "buffers": ["x"]}
        self.assertAlmostEqual(model.kernel_seconds(launch, 56.32e6, 0, 0, metrics(0), 8), 3e-6 + 1e-3, places=6)

    def test_a_second_walk_reads_what_the_cache_has(self):
        launches = [{"groups": 1056, "items": 256, "buffers": buffers} for buffers in (["x"], [], ["x", "y"])]
        found = model.predict("forward", 4e6, 0, launches, lambda launch: metrics(4), lambda launch: 8)
        self.assertAlmostEqual(found["seconds"], 9e-6 + 8e6 / 4.3e12 + 4e6 / 5.5e12, places=9)
        self.assertAlmostEqual(found["limit"], 9e-6 + 12e6 / 4.3e12, places=9)
        self.assertAlmostEqual(found["copy"], 3e-6 + 8e6 / 4.3e12, places=9)


class Checks(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(TOOLS, "gpu_check", "bounds.json"), encoding="utf-8") as file:
            self.bounds = json.load(file)

    def broken(self, found, walks=True):
        return sorted(item[0] for item in checks.check_kernel(self.bounds, "t", "k", found, walks))

    def test_a_good_kernel(self):
        self.assertEqual(self.broken(metrics(4)), [])

    def test_each_bound_of_a_kernel(self):
        self.assertEqual(self.broken(metrics(4, spills=4)), ["bytes spilled"])
        self.assertEqual(self.broken(metrics(4, stack=4)), ["bytes of stack"])
        self.assertEqual(self.broken(metrics(4, calls=1)), ["calls"])
        self.assertEqual(self.broken(metrics(4, resident=1)), ["groups to a unit"])
        self.assertEqual(self.broken(metrics(3)), ["loads in flight"])
        self.assertEqual(self.broken(metrics(0)), ["bytes of an access", "loads in flight"])
        self.assertEqual(self.broken(metrics(0), walks=False), [])

    def row(self, **more):
        launch = {"kernel": "k", "groups": 264, "items": 256, "buffers": ["x"]}
        return dict({"case": "float32 none nchw 8 64 32 32", "op": "forward", "workspace": 0, "tensor": 2 << 20, "launches": [launch],
                     "seconds": 1e-5, "limit": 1e-5}, **more)

    def test_each_bound_of_a_case(self):
        def names(row):
            return [item[0] for item in checks.check_case(self.bounds, row, 132)]
        self.assertEqual(names(self.row()), [])
        self.assertEqual(names(self.row(workspace=5 << 20)), ["workspace"])
        self.assertEqual(names(self.row(tensor=16 << 20)), [])
        self.assertEqual(names(self.row(seconds=2.1e-5)), ["over the limit"])
        self.assertEqual(names(self.row(seconds=1.6e-5, tensor=16 << 20)), ["over the limit"])
        few = [{"kernel": "k", "groups": 263, "items": 256, "buffers": ["x"]}]
        self.assertEqual(names(self.row(launches=few)), ["groups"])
        self.assertEqual(names(self.row(tensor=4 << 20, launches=[dict(few[0], **{"under way": 2.5e6})])), ["groups"])
        self.assertEqual(names(self.row(tensor=4 << 20, launches=[dict(few[0], **{"under way": 2.6e6})])), [])  # 4.3 TB/s for 0.6 us
        few[0]["buffers"] = ["workspace"]
        self.assertEqual(names(self.row(launches=few)), [])

    def test_excuses_name_bound_and_place(self):
        bounds = dict(self.bounds, excused=[{"bound": "calls", "where": "gfx90a k", "reason": "a test"}])
        self.assertTrue(checks.is_excused(bounds, ("calls", 1, 0, "gfx90a k of p")))
        self.assertFalse(checks.is_excused(bounds, ("calls", 1, 0, "gfx1100 k of p")))
        self.assertFalse(checks.is_excused(bounds, ("workspace", 1, 0, "gfx90a k of p")))


class Lister(unittest.TestCase):
    def ask(self, facts, lines):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([LISTER, folder, *facts], input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, check=False)
            files = {}
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    files[name] = file.read()
            return result, [json.loads(line) for line in result.stdout.splitlines()], files

    def test_each_device_has_plans_that_fit(self):
        for name, device in cases.DEVICES.items():
            facts = ["%s=%d" % fact for fact in device["facts"].items()]
            result, records, files = self.ask(facts, ["float32 none nchw 4 8 7 7", "float16 relu nhwc 32 64 14 14"])
            self.assertEqual((name, result.returncode, result.stderr), (name, 0, ""))
            self.assertEqual(len(records), 11 + 9)  # of a plan with an activation all operations but second order and fold
            for record in records:
                self.assertEqual((name, record["status"]), (name, "CL_SUCCESS"))
                self.assertTrue(record["launches"])
                for launch in record["launches"]:
                    self.assertLessEqual(launch["items"], device["facts"]["group"])
                    self.assertIn(launch["kernel"], files[launch["program"] + ".cl"])
                    self.assertIn("-cl-std=CL1.2", files[launch["program"] + ".options"])

    def test_operations_name_their_tensors(self):
        _, records, _ = self.ask(["units=4"], ["float32 none nchw 4 8 7 7"])
        used = {record["op"]: {name for launch in record["launches"] for name in launch["buffers"]} for record in records}
        self.assertTrue({"x", "y", "running_mean", "save_invstd"} <= used["forward"])
        self.assertTrue({"x", "dy", "dx", "dgamma", "dbeta"} <= used["backward"])
        self.assertTrue({"x", "dy", "ddx", "ddy"} <= used["second backward"])
        self.assertTrue({"save_r", "save_d"} <= used["forward renorm"] & used["backward renorm"])
        self.assertFalse("dy" in used["forward"] or "y" in used["statistics"])

    def test_what_is_no_case_or_fact_is_said(self):
        self.assertNotEqual(self.ask([], ["float31 none nchw 4 8"])[0].returncode, 0)
        self.assertNotEqual(self.ask(["unit=4"], [])[0].returncode, 0)

    def test_cases_of_the_tables(self):
        lines = cases.cases("H200")
        self.assertEqual(len(lines), len(set(lines)))
        self.assertIn("float16 relu nhwc 256 2048 7 7", lines)
        self.assertEqual(checks.tensor_bytes("float16 none nchw 256 64 112 112"), 2 * 256 * 64 * 112 * 112)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
