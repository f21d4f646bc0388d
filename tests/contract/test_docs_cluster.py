"""The files of docs/cluster: the batch script is right for bash, and the job's pods share image and folder."""

import subprocess
from pathlib import Path

import yaml

from egobench.cli.main import main

DOCS = Path(__file__).parents[2] / "docs" / "cluster"


def test_the_batch_script_is_bash():
    subprocess.run(["bash", "-n", str(DOCS / "egobench.sbatch")], check=True)


def test_head_and_workers_of_the_job_share_image_folder_and_cache():
    spec = yaml.safe_load((DOCS / "rayjob.yaml").read_text())["spec"]
    cluster = spec["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    containers = [pod["containers"][0] for pod in pods]
    for name in ("image", "env", "volumeMounts"):
        assert containers[0][name] == containers[1][name]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    mounted = containers[0]["volumeMounts"][0]["mountPath"]
    assert containers[0]["env"][0]["value"].startswith(mounted)
    assert f"--out {mounted}/" in spec["entrypoint"]


def test_the_job_s_command_has_options_that_are_there(capsys):
    spec = yaml.safe_load((DOCS / "rayjob.yaml").read_text())["spec"]
    assert main(["run", "--help"]) == 0
    known = capsys.readouterr().out
    for word in spec["entrypoint"].split():
        assert not word.startswith("--") or word in known, word
