"""Two processes with the weights in shards train as one process does, and take over from each other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_processes

from egotwin_ref.training import distributed


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> dict:
    """What one process and two made of the same recipe."""
    folder = tmp_path_factory.mktemp("trainings")
    losses, model = two_processes.run(folder / "one")
    two_processes.run(folder / "stopped by one", stop=2)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", two_processes.__file__, str(folder)]
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command], env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=300, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((folder / "told.json").read_text())
    return {"folder": folder, "one": losses, "weights": model.state_dict(), **told}


def test_the_loss_curve_of_two_processes_is_that_of_one(ran):
    assert ran["processes"] == 2
    assert len(ran["losses"]) == 5
    assert ran["losses"] == pytest.approx(ran["one"], abs=1e-5)


def test_the_averaged_weights_of_two_processes_are_those_of_one(ran):
    two = torch.load(ran["folder"] / "weights.pt", weights_only=True)
    assert two.keys() == ran["weights"].keys()
    for name, value in two.items():
        torch.testing.assert_close(value, ran["weights"][name], atol=1e-4, rtol=0)


def test_each_process_holds_its_share_of_the_weights(ran):
    assert ran["share"] == pytest.approx(0.5, abs=0.05)


def test_a_training_goes_on_with_another_number_of_processes(ran):
    assert ran["taken over"] == pytest.approx(ran["one"][2:], abs=1e-5)
    by_one, _ = two_processes.run(ran["folder"] / "stopped by two")
    assert by_one == pytest.approx(ran["one"][2:], abs=1e-5)


def test_alone_nothing_is_spread_and_nobody_is_asked():
    tensor = torch.ones(2, 2)
    assert (distributed.rank(), distributed.processes()) == (0, 1)
    assert distributed.gathered({"a": [tensor, 1]})["a"][0] is tensor
    assert torch.equal(distributed.place(tensor, torch.zeros(2, 2)), tensor)
    assert distributed.agreed(True, "cpu")
    assert not distributed.agreed(False, "cpu")
    assert distributed.mean({"loss": torch.tensor(2.0)}) == {"loss": 2.0}
