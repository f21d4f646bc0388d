"""`egobench calibrate` on the command line."""

import json

import pytest

from egobench.cli.main import main


@pytest.fixture
def split(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EGOBENCH_CARDS", str(tmp_path / "cards"))
    from pipeline_toys import make_split

    return str(make_split(tmp_path / "toy"))


def test_it_prints_the_figures_and_where_the_card_is_and_with_json_the_card(capsys, split, tmp_path):
    words = ["calibrate", "calibrate_toys:Glance", "--split", split, "--workers", "1"]
    assert main(words) == 0
    out = capsys.readouterr().out.splitlines()
    path = tmp_path / "cards" / "calibrate_toys-Glance@toy.json"
    assert out[0].startswith("calibrate_toys:Glance on toy (all 8 clips, 32x16), card ")
    assert out[-1] == str(path)
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hands.plam", "--split", "egomini-smoke"], "did you mean 'hands.palm'"),
        (["calibrate_toys:Glance", "--split", "egomini-smok"], "did you mean 'egomini-smoke'"),
        (["calibrate_toys:Glance", "--split", "egomini-smoke", "--limit", "0"], "limit is 0; at least 1"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line_and_leaves_no_card(capsys, split, tmp_path, words, message):
    assert main(["calibrate", *words]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "cards").exists()
