"""`egobench weights` and `describe --preset` at the prompt: codes, one line, nothing heavy, nothing half-written."""

import json
import subprocess
import sys

import pytest

from egobench.cli.main import main
from egobench.extractors.weights_manifest import read_manifest

IDS = list(read_manifest())


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("EGOBENCH_WEIGHTS", str(tmp_path / "home"))
    return tmp_path / "home"


def said(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def test_list_shows_every_file_with_its_sha256_and_marks_the_unverified(capsys):
    found = json.loads(said(capsys, "weights", "list", "--json").out)["weights"]
    assert [row["id"] for row in found] == IDS
    text = said(capsys, "weights", "list").out
    for row in found:
        assert row["status"] == "missing"
        assert row["sha256"] in text
    assert text.count("not verified") == sum(not row["verified"] for row in found) == 1


def test_offline_says_what_is_missing_and_exits_2(capsys, home):
    captured = said(capsys, "weights", "pull", "--offline", code=2)
    assert captured.out.count("\n") == len(IDS)
    for entry in read_manifest().values():
        assert f"no {entry.file} (sha256 {entry.sha256}" in captured.out
    assert str(home) in captured.out
    assert not home.exists()


def test_verify_is_content_with_what_is_not_here_unless_it_was_named(capsys, home):
    assert said(capsys, "weights", "verify").out.count("missing") == len(IDS)
    said(capsys, "weights", "verify", IDS[0], code=2)
    home.mkdir()
    (home / "ViT-B-32.pt").write_bytes(b"cut")
    found = json.loads(said(capsys, "weights", "verify", "--json", code=2).out)
    assert found["wrong"] == ["clip-vit-b-32-openai"]


def test_a_wrong_file_is_not_added(capsys, home, tmp_path):
    (tmp_path / "ViT-B-32.pt").write_bytes(b"cut")
    captured = said(capsys, "weights", "add", str(tmp_path / "ViT-B-32.pt"), code=2)
    assert captured.err.count("\n") == 1
    assert "353976522 bytes" in captured.err
    assert not home.exists()
    said(capsys, "weights", "add", str(tmp_path / "nothing"), code=2)


def test_an_unverified_file_is_added_with_trust_and_then_named(capsys, tmp_path):
    (tmp_path / "i3d_torchscript.pt").write_bytes(b"mine")
    path = str(tmp_path / "i3d_torchscript.pt")
    assert "--trust" in said(capsys, "weights", "add", path, code=2).err
    sha256 = json.loads(said(capsys, "weights", "add", path, "--trust", "--json").out)["sha256"]
    from egobench.extractors.i3d import I3DCrop

    assert I3DCrop().protocol()["weights_sha256"] == sha256
    assert "trusted" in said(capsys, "weights", "verify", "i3d-k400-torchscript").out


@pytest.mark.parametrize("words", [["pull", "clip"], ["verify", "clip"], ["add", "pyproject.toml", "--id", "clip"]])
def test_an_unknown_id_is_suggested(capsys, words):
    assert "is not among the weights" in said(capsys, "weights", *words, code=2).err


def test_a_metric_is_described_with_a_preset_step_by_step(capsys):
    text = said(capsys, "describe", "i-fid", "--preset", "inception.tf").out
    entry = read_manifest()["inception-2015-12-05"]
    for part in ("I-FID", "1. RGB uint8", "no half-pixel centres", "torch-fidelity", entry.sha256, entry.urls[0]):
        assert str(part).lower() in text.lower()
    assert "--metrics i-fid:inception.tf" in text
    found = json.loads(said(capsys, "describe", "i-fid", "--preset", "inception.tf", "--json").out)
    assert found["preset"]["facts"]["weights"]["sha256"] == entry.sha256
    assert found["preset"]["facts"]["steps"][0] in text


def test_every_preset_s_description_is_its_protocol_s_steps(capsys):
    from egobench.catalog import EXTRACTORS

    for name in (name for entry in read_manifest().values() for name in entry.used_by):
        found = json.loads(said(capsys, "describe", name, "--json").out)["facts"]
        assert found["steps"] == list(EXTRACTORS.load(name).steps)
        assert found["used_by"]


def test_a_preset_where_none_is_taken_and_an_unknown_one_are_one_line(capsys):
    assert "takes no preset" in said(capsys, "describe", "jerk", "--preset", "inception.tf", code=2).err
    assert "takes no preset" in said(capsys, "describe", "inception.tf", "--preset", "inception.tf", code=2).err
    assert "did you mean 'i3d.crop'" in said(capsys, "describe", "i-fid", "--preset", "i3d.corp", code=2).err


@pytest.mark.parametrize(
    ("metric", "preset", "says"),
    [
        ("i-fid", "i3d.crop", "i3d.crop provides clip, not frames"),
        ("fvd", "inception.tf", "inception.tf provides frames, not clip"),
        ("clip-sim", "inception.clean", "not text"),
        ("hand-score", "colmap", "colmap provides camera, not hands"),
        ("rot-err", "egomini-hands", "egomini-hands provides hands, not camera"),
    ],
)
def test_a_preset_that_makes_something_else_is_refused_in_one_line(capsys, metric, preset, says):
    refused = said(capsys, "describe", metric, "--preset", preset, code=2).err
    assert says in refused
    assert refused.count("\n") == 1


def test_every_metric_is_described_with_its_own_preset(capsys):
    from egobench.catalog import METRICS

    for name in METRICS.names():
        preset = getattr(METRICS.load(name), "preset", "")
        if preset:
            assert (
                json.loads(said(capsys, "describe", name, "--preset", preset, "--json").out)["preset"]["name"] == preset
            )


def test_describing_a_preset_loads_neither_torch_nor_numpy():
    probe = "import sys; from egobench.cli.main import main; main(['describe', 'i-fid', '--preset', 'inception.clean'])"
    probe += "; assert not {'torch', 'numpy', 'platformdirs', 'tyro'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, timeout=60)
