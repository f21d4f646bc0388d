"""The files of docs/ci do what they say: their steps are run in a scratch repository, as a runner would run them."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from egobench.compare.policy import read_policy

DOCS = Path(__file__).parents[2] / "docs"
MODEL = '''"""The recorded truth, trembling: a model of few lines."""

from dataclasses import dataclass, replace

import numpy as np

from egobench import Condition, Sample, open_split


@dataclass(frozen=True)
class MyModel:
    tremble_m: float = 0.0

    def load(self, device: str) -> "MyModel":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        motion = open_split(condition.split).clip(condition.clip_id).reference.motion
        noise = np.random.default_rng(seed).normal(size=(len(motion.positions), 1, 3))
        return Sample(None, replace(motion, positions=motion.positions + self.tremble_m * noise))
'''


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository with a model, the files of docs/ci where the page says they go, and a baseline made as it says."""
    root = tmp_path_factory.mktemp("repository")
    (root / "my_model.py").write_text(MODEL, encoding="utf-8")
    for name, place in (
        *(("egobench.yml", ".github/workflows"), ("gate.toml", "ci"), ("gate.sh", "ci")),
        ("pre-commit-config.yaml", "."),
    ):
        (root / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCS / "ci" / name, root / place / name)
    done = follow(root, root / "summary.md", ["sample and score"])
    assert done.returncode == 0, done.stderr
    page = (DOCS / "ci.md").read_text(encoding="utf-8")
    sample, update = [line for line in page.splitlines() if line.startswith("egobench ")]
    assert sample.startswith("egobench run --model my_model:MyModel --split egomini-smoke --out runs")
    assert run(root, update).returncode == 0
    return root


def run(root, command, **environment):
    """A shell command at the root, with egobench on the path and metrics that need no network of features."""
    scripts = root / ".scripts"
    scripts.mkdir(exist_ok=True)
    shim = scripts / "egobench"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m egobench "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    given = {"EGOBENCH_CACHE": str(root / ".cache"), "METRICS": "jerk,foot-skate", **environment}
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=root,
        env={**os.environ, **given, "PATH": path, "PYTHONPATH": str(DOCS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def workflow_steps(root):
    """Every step of the workflow, in order."""
    content = yaml.safe_load((root / ".github" / "workflows" / "egobench.yml").read_text(encoding="utf-8"))
    assert content[True] == ["pull_request"]  # YAML 1.1 reads `on` as true; GitHub does not
    (job,) = content["jobs"].values()
    return content["env"], job["steps"]


def follow(root, summary, names):
    """Runs the workflow's own steps of these names, up to the first that fails."""
    variables, steps = workflow_steps(root)
    for step in (step for step in steps if step.get("name") in names):
        given = {**variables, **step.get("env", {}), "METRICS": "jerk,foot-skate", "GITHUB_STEP_SUMMARY": str(summary)}
        done = run(root, step["run"], **given)
        if done.returncode:
            return done
    return done


def test_the_policy_of_the_docs_is_valid():
    assert {rule.severity for rule in read_policy(DOCS / "ci" / "gate.toml").metrics.values()} == {"gate"}


def test_every_action_of_the_workflow_is_pinned_and_the_steps_stand_in_order(repository):
    _, steps = workflow_steps(repository)
    assert all("@v" in step["uses"] for step in steps if "uses" in step)
    assert [step["name"] for step in steps if "run" in step] == ["install", "sample and score", "gate"]
    assert steps[-1]["if"] == "always()"


def test_the_workflow_is_green_for_the_run_of_the_baseline(repository, tmp_path):
    done = follow(repository, tmp_path / "green.md", ["gate"])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "green.md").read_text(encoding="utf-8").startswith("## ✅ passed: 2 gated metrics")
    assert ET.parse(repository / "egobench.xml").getroot().get("failures") == "0"


def test_the_hook_stops_the_push_of_a_worse_model_and_the_workflow_is_red(repository, tmp_path):
    content = yaml.safe_load((repository / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    ((baseline, hook),) = [repo["hooks"] for repo in content["repos"]]
    assert (baseline["id"], hook["id"], hook["stages"]) == ("egobench-baseline", "egobench-gate", ["pre-push"])
    model = repository / "my_model.py"
    model.write_text(MODEL.replace("tremble_m: float = 0.0", "tremble_m: float = 0.02"), encoding="utf-8")
    done = run(repository, hook["entry"])
    assert done.returncode == 1, done.stderr
    assert "jerk regressed" in done.stderr
    done = follow(repository, tmp_path / "red.md", ["gate"])
    assert done.returncode == 1, done.stderr
    assert "::error title=egobench%3A jerk regressed::" in done.stderr
    assert (tmp_path / "red.md").read_text(encoding="utf-8").startswith("## ❌ foot-skate regressed")
    assert ET.parse(repository / "egobench.xml").getroot().get("failures") == "2"
    shutil.rmtree(sorted(path for path in (repository / "runs").iterdir() if path.is_dir())[-1])


def test_the_hook_guards_the_baseline(repository):
    content = yaml.safe_load((repository / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    hook = content["repos"][0]["hooks"][0]
    assert run(repository, f"{hook['entry']} ci/baseline.json").returncode == 0
    (repository / "ci" / "broken.json").write_text("{}", encoding="utf-8")
    assert run(repository, f"{hook['entry']} ci/broken.json").returncode == 2
