"""Stdout holds data only, whatever a model, its child process or native code prints."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import egobench.cli

VERBS = Path(egobench.cli.__file__).parent
NOISY = """
import os, subprocess, sys
from dataclasses import dataclass

def noise(where):
    print("noise by print in", where)
    sys.stdout.write("noise by write in " + where + "\\n")
    os.write(1, f"noise by descriptor in {where}\\n".encode())
    subprocess.run([sys.executable, "-c", f"print('noise by a child in {where}')"], check=True)

noise("import")

@dataclass(frozen=True)
class Noisy:
    def __post_init__(self):
        noise("settings")

    def check_split(self, split):
        noise("check_split")

    def load(self, device):
        noise("load")
        return self

    def sample(self, condition, *, seed):
        noise("sample")
        from egobench import Sample, open_split
        reference = open_split(condition.split).clip(condition.clip_id).reference
        return Sample(reference.video, reference.motion)

@dataclass(frozen=True)
class NoisyMetric:
    name = "noisy"
    version = 1
    unit = "1"
    better = "lower"

    def needs(self):
        noise("needs")
        from egobench.metrics.base import Need
        return {"motion": Need("sample", "motion")}

    def record(self):
        return {"metric": self.name, "version": 1}

    def __call__(self, motion):
        noise("score")
        return 1.0
"""


def egobench(*words, **options):
    command = [sys.executable, "-m", "egobench", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)


@pytest.fixture
def noisy(tmp_path):
    (tmp_path / "noisy.py").write_text(NOISY)
    return ["--model", "noisy.py:Noisy", "--split", "egomini-smoke", "--out", "runs"]


def test_json_is_json_whatever_a_model_and_a_metric_print_in_every_process(noisy, tmp_path):
    some = ["--metrics", "noisy:NoisyMetric", "--limit", "1", "--draws", "0", "--json"]
    done = egobench("run", *noisy, *some, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["metrics"]["noisy"]["value"] == 1.0
    for place in ("import", "settings", "check_split", "load", "sample", "needs", "score"):
        for by in ("print", "write", "descriptor", "a child"):
            assert f"noise by {by} in {place}\n" in done.stderr
    for words in (["verify", document["path"]], ["rescore", document["path"], "--metrics", "noisy:NoisyMetric"]):
        again = egobench(*words, "--json", cwd=tmp_path)
        assert isinstance(json.loads(again.stdout), dict), again.stderr
        assert "noise by a child in import" in again.stderr


def test_a_plan_and_a_help_are_data_and_noise_is_not(noisy, tmp_path):
    done = egobench("run", *noisy, "--metrics", "jerk", "--dry-run", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["model"] == "noisy.py:Noisy"
    assert "noise by print in import" in done.stderr
    assert egobench("run", "--help").stdout.startswith("usage: egobench run")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_error(closed, tmp_path):
    script = f"exec {sys.executable} -m egobench list models {closed}>&-"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert ("static" in done.stdout) == (closed == 2)


def test_what_is_not_in_unicode_still_has_its_stand_ins():
    done = egobench("--help", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "egobench VERB ..." in done.stdout


@pytest.mark.parametrize("module", sorted(path.relative_to(VERBS).as_posix() for path in VERBS.rglob("*.py")))
def test_what_a_verb_prints_goes_to_the_stream_for_data_or_to_stderr(module):
    text = (VERBS / module).read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    prints = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
    names_its_file = all(any(word.arg == "file" for word in node.keywords) for node in prints)
    own = re.search(r"^from egobench\.cli\.stdout import .*\bprint\b", text, re.MULTILINE)
    assert own or names_its_file, f"{module}: import print from egobench.cli.stdout"
