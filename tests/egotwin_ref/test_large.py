"""The large presets by the public command: from a CogVideoX download to samples, by one process and by two."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

import large
from safetensors.torch import load_file

from egobench import BadInputError, open_split
from egobench.run.generate import condition_for
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.loading import cogvideox
from egotwin_ref.model import configs
from egotwin_ref.model.network import is_motion
from egotwin_ref.training.latents import Latents

ARITHMETIC = ["--device", "cpu", "--precision", "float32"]
"""The same on every processor."""


def arguments(folder: Path, download: Path, *more: str) -> list[str]:
    split = ["--split", "egomini-smoke", "--val", "egomini-smoke"]
    where = ["--pretrained", str(download), "--work", str(folder / "work"), "--out", str(folder / "out")]
    return ["train", "egotwin", "--preset", large.NAME, *split, *where, "--stage", "all", *ARITHMETIC, *more]


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    return large.write(tmp_path_factory.mktemp("cogvideox"))


@pytest.fixture(scope="module")
def one(tmp_path_factory, download) -> Path:
    """Trained by one process."""
    folder = tmp_path_factory.mktemp("one")
    assert large.egobench(arguments(folder, download)) == 0
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory, download) -> Path:
    """Trained by two, under torchrun."""
    folder = tmp_path_factory.mktemp("two")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", large.__file__]
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])

    def start() -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *command, *arguments(folder, download)], capture_output=True, text=True, timeout=300,
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    done = start()
    if "malloc()" in done.stderr:  # glibc ended it: torch's own threads, once in some twenty runs; it goes on
        done = start()
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("egotwin.safetensors") == 1, "the first process speaks for all"
    return folder


def losses(folder: Path, stage: str) -> list[float]:
    path = folder / "work" / large.NAME / "egotwin" / stage / "log.csv"
    return [float(row["loss"]) for row in csv.DictReader(path.read_text().splitlines())]


def test_stage_0_is_the_download_s_network(one, download):
    from egotwin_ref.model.configs import VARIANTS
    from egotwin_ref.model.network import EgoTwin

    model = EgoTwin(large.twin().network, VARIANTS["egotwin"])
    cogvideox.load(model, download / "transformer")
    base = load_file(one / "work" / large.NAME / "stage0" / "weights.safetensors")
    assert set(base) == {name for name in model.state_dict() if not is_motion(name)}
    assert all(torch.equal(value, model.state_dict()[name].bfloat16()) for name, value in base.items())


def test_two_processes_compress_train_and_save_what_one_does(one, two):
    where = [folder / "work" / large.NAME / "latents" for folder in (one, two)]
    latents = [Latents.load(next(folder.glob("train-*.safetensors"))) for folder in where]
    assert len(latents[0]) == 8
    assert all(torch.equal(getattr(latents[0], name), getattr(latents[1], name)) for name in ("video", "text", "empty"))
    for stage in ("stage2", "stage3"):
        assert losses(two, stage) == pytest.approx(losses(one, stage), abs=1e-4)
    found, right = (load_file(folder / "out" / "egotwin.safetensors") for folder in (two, one))
    assert found.keys() == right.keys()
    for name, value in found.items():
        torch.testing.assert_close(value.float(), right[name].float(), atol=1e-3, rtol=1e-2)
    cards = [json.loads((folder / "out" / "egotwin.card.json").read_text()) for folder in (one, two)]
    assert [card["processes"] for card in cards] == [1, 2]
    assert cards[0]["recipe"] == cards[1]["recipe"]


def test_what_two_made_is_done_for_one(two, download):
    files = list((two / "work").rglob("weights.safetensors"))
    before = {path: path.stat().st_mtime_ns for path in files}
    assert large.egobench(arguments(two, download)) == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_its_weights_are_sampled_by_the_model_that_egobench_runs(one, download, monkeypatch):
    monkeypatch.setitem(configs.PRESETS, large.NAME, large.twin())
    settings = EgoTwinModel(preset=large.NAME, weights=one / "out", pretrained=download, steps=1)
    assert {"diffusion_pytorch_model.safetensors", "model.safetensors", "egotwin.safetensors"} < set(
        settings.weights_sha256
    )
    split = open_split("egomini-smoke")
    settings.check_split(split)
    clip = split.clip(split.infos()[0].clip_id)
    condition, reference = condition_for(clip, "t2vm"), clip.reference
    sample = settings.load("cpu").sample(condition, seed=0)
    assert sample.video.frames.shape == reference.video.frames.shape
    assert sample.motion.positions.shape == reference.motion.positions.shape
    assert (sample.video.frames[0] == condition.first_frame).all()


@pytest.mark.parametrize(
    ("lost", "told"),
    [("vae", "has no folder vae"), ("tokenizer", "has no folder tokenizer"), (None, "name the folder of a download")],
)
def test_a_download_that_is_not_whole_is_refused_in_one_line(download, tmp_path, capsys, lost, told):
    folder = tmp_path / "cogvideox"
    for part in ("transformer", "vae", "text_encoder", "tokenizer"):
        if part != lost:
            (folder / part).mkdir(parents=True)
    asked = arguments(tmp_path, folder)
    if lost is None:
        asked = [part for part in asked if part not in ("--pretrained", str(folder))]
    assert large.egobench(asked) == 2
    assert told in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_part_without_weights_is_refused_in_one_line(download, tmp_path, capsys):
    for part in ("transformer", "text_encoder", "tokenizer"):
        (tmp_path / part).symlink_to(download / part)
    (tmp_path / "vae").mkdir()
    assert large.egobench(arguments(tmp_path, tmp_path)) == 2
    assert "vae has no .safetensors files" in capsys.readouterr().err.strip().splitlines()[-1]


def test_without_the_packages_that_read_a_download_one_line_says_what_to_install(one, download, monkeypatch):
    monkeypatch.setitem(configs.PRESETS, large.NAME, large.twin())
    settings = EgoTwinModel(preset=large.NAME, weights=one / "out", pretrained=download, steps=1)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(BadInputError, match=r"pip install 'egobench\[cogvideox\]'") as error:
        settings.load("cpu")
    assert error.value.code == "weights-missing"


def test_recomputed_activations_give_the_same_gradients(network, inputs):
    gradients = []
    for recompute in (False, True):
        model = network()
        model.recompute = recompute
        found = model(**inputs(model))
        (found.video.square().mean() + found.motion.square().mean()).backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    assert all(torch.equal(gradients[0][name], gradients[1][name]) for name in gradients[0])
