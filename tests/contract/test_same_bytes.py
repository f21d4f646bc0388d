"""`same_bytes.py` of the benchmarks names where two checkouts differ; it is silent only about what its rules name."""

import importlib
import json
from pathlib import Path

import pytest

from egobench.store.tables import ScoreRow, write_scores

ROOT = Path(__file__).parents[2]
RUN, OTHER = "20260102-030405_static_egomini-smoke_9c2d", "20260102-040506_static_egomini-smoke_11ff"


COMMAND = """
import sys
from pathlib import Path
from egobench_baselines import WORD
here = Path(__file__).resolve()
match sys.argv[1:]:
    case ["schema"]:
        print("manifest  one\\nmetrics   two")
    case ["schema", "manifest"]:
        print(here, Path.cwd())
    case ["schema", "metrics"]:
        print('{{"title": "{title}"}}')
    case _:
        print(WORD)
        sys.exit({code})
"""


@pytest.fixture(scope="module")
def scripts():
    """The script and its list of what is made alike."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks" / "checks"))
        yield importlib.import_module("same_bytes"), importlib.import_module("same_bytes_plain")


def checkout(path, *, title="Metrics", code=0, baseline="same"):
    """The least that has a command line: `schema` lists two names and prints each; all else prints one word."""
    (path / "egobench").mkdir(parents=True)
    (path / "baselines").mkdir()
    (path / "baselines" / "__init__.py").write_text(f"WORD = {baseline!r}\n")
    (path / "pyproject.toml").write_text('[project]\nname = "egobench"\n')
    (path / "egobench" / "__init__.py").write_text('__version__ = "0.1.0"\n')
    (path / "egobench" / "__main__.py").write_text(COMMAND.format(title=title, code=code))
    return path


def same(scripts, before, after, *steps):
    """Exit code of the script."""
    return scripts[0].main([str(before), str(after), "--steps", *steps])


def test_two_checkouts_that_say_the_same_from_other_places_are_the_same(scripts, tmp_path, capsys):
    before, after = checkout(tmp_path / "before"), checkout(tmp_path / "a-much-longer-name" / "after")
    assert same(scripts, before, after, "schemas", "plan") == 0
    assert capsys.readouterr().out.count("none") == 2


def test_one_planted_character_is_named_and_exits_1(scripts, tmp_path, capsys):
    before, after = checkout(tmp_path / "before"), checkout(tmp_path / "after", title="metrics")
    assert same(scripts, before, after, "schemas", "plan") == 1
    said = capsys.readouterr().out
    assert said.count("none") == 1
    assert (
        'schemas: said/schemas/003 schema metrics.out\n    line 1: \'{"title": "Metrics"}\' → \'{"title": "metrics"}\''
        in said
    )


def test_each_side_has_its_own_baselines(scripts, tmp_path, capsys):
    before, after = checkout(tmp_path / "before"), checkout(tmp_path / "after", baseline="other")
    assert same(scripts, before, after, "plan") == 1
    assert "'same' → 'other'" in capsys.readouterr().out


def test_two_checkouts_that_fail_alike_are_no_agreement(scripts, tmp_path, capsys):
    before, after = checkout(tmp_path / "before", code=70), checkout(tmp_path / "after", code=70)
    assert same(scripts, before, after, "plan") == 1
    assert "exit code 70, 0 was expected" in capsys.readouterr().out


def write_run(folder, name, *, value=1.0, seconds=1.0, score=1.0, digest="a"):
    """A few files of a run, `score` the only number in its table."""
    path = folder / name
    path.mkdir(parents=True)
    metrics = {"run": name, "metrics": {"jerk": {"value": value, "protocol": digest * 64}}}
    (path / "metrics.json").write_text(json.dumps(metrics, indent=2))
    manifest = {"commit": digest, "model": {"code": {"files": 3, "name": "m", "sha256": digest * 64, "version": "0"}}}
    manifest |= {"seconds": {"extract": seconds}, "started": "2026-01-02T03:04:05Z", "split": {"digest": "b" * 64}}
    (path / "manifest.json").write_text(json.dumps(manifest, indent=2))
    (path / "events.jsonl").write_text(json.dumps({"event": "item", "seconds": seconds}) + "\n")
    write_scores(path / "scores.parquet", [ScoreRow("c0", 0, "jerk", score, "ok", "")])
    return folder


def test_times_run_names_and_code_digests_may_differ(scripts, tmp_path):
    _, plain = scripts
    before = write_run(tmp_path / "before", RUN)
    after = write_run(tmp_path / "after", OTHER, seconds=2.5)
    manifest = after / OTHER / "manifest.json"
    changed = manifest.read_text().replace("a" * 64, "c" * 64).replace('"files": 3', '"files": 4')
    manifest.write_text(changed.replace('"commit": "a"', '"commit": null').replace("03:04:05Z", "04:05:06Z"))
    assert plain.differences(before, after) == ([], 4)


@pytest.mark.parametrize(
    ("change", "file", "what"),
    [
        ({"value": 1.0000000000000002}, "metrics.json", "1.0000000000000002"),
        ({"digest": "d"}, "metrics.json", "dddd"),
        ({"score": 1.0000000000000002}, "scores.parquet", "1.0000000000000002"),
    ],
)
def test_the_last_bit_of_a_number_and_a_protocol_are_seen(scripts, tmp_path, change, file, what):
    _, plain = scripts
    before, after = write_run(tmp_path / "before", RUN), write_run(tmp_path / "after", OTHER, **change)
    ((path, said),) = plain.differences(before, after)[0]
    assert path.endswith(file)
    assert what in said


def test_samples_may_be_done_in_another_order_but_none_may_differ(scripts, tmp_path):
    _, plain = scripts
    lines = [json.dumps({"clip": f"c{k}", "event": "item", "motion": f"{k}" * 64}) + "\n" for k in range(3)]
    for folder, order in (("before", (0, 1, 2)), ("after", (0, 2, 1)), ("other", (0, 1, 1))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "events.jsonl").write_text("".join(lines[k] for k in order))
    assert plain.differences(tmp_path / "before", tmp_path / "after") == ([], 1)
    assert len(plain.differences(tmp_path / "before", tmp_path / "other")[0]) == 1


def test_a_missing_file_and_a_byte_of_a_picture_are_seen(scripts, tmp_path):
    _, plain = scripts
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, last in ((before, b"\xff"), (after, b"\xfe")):
        folder.mkdir()
        (folder / "plot.png").write_bytes(b"\x89PNG" + last)
    (before / "gone.json").write_text("{}")
    found, files = plain.differences(before, after)
    assert [tuple(row) for row in found] == [("gone.json", "only before"), ("plot.png", "byte 4 of 5 and 5")]
    assert files == 2


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("A: 20260102-030405\\_static\\_a\\_9c2d", "A: 20260102-030406\\_static\\_a\\_11ff", "static"),
        (f"commit {'a' * 40}; 3 clips", f"commit {'b' * 40}+dirty; 3 clips", "3"),
        (f"code          egobench 0.1.0 {'a' * 40}", f"code          egobench 0.1.0 {'b' * 40}+dirty", "0.1.0"),
        ("seconds       extract 6.6, score 2", "seconds       extract 7, score 2.1", "seconds"),
        ("score: 8/8, 9.2/s, 0:01, done\n", "score: 4/8, 1/s, 0:10, 0:10 left\nscore: 8/8, 3.0/s, 0:12, done\n", "8/8"),
        (
            '"seconds_per_clip": {"a": {"clips": 8, "median": 1.5, "p90": 2',
            '"seconds_per_clip": {"a": {"clips": 8, "median": 1, "p90": 3',
            '"clips": 8',
        ),
    ],
)
def test_what_the_rules_name_is_made_alike_and_what_stands_beside_it_is_not(scripts, before, after, value):
    _, plain = scripts
    assert plain.plain(before) == plain.plain(after)
    assert plain.plain(before) != plain.plain(after.replace(value, "other"))


def test_a_class_may_move_but_not_change_its_name(scripts):
    _, plain = scripts
    line = '"file": "/a/egobench/pipeline/engine.py",\n  "kind": "engines",\n  "line": 40,\n  "target": "{}"'
    moved = line.replace("pipeline", "run").replace("40", "41").format("egobench.run.engine:LocalEngine")
    assert plain.plain(line.format("egobench.pipeline.engine:LocalEngine")) == plain.plain(moved)
    assert plain.plain(moved) != plain.plain(moved.replace("LocalEngine", "Local"))
    said = "rows are in `egotwin_ref.configs.VARIANTS`."
    assert plain.plain(said) == plain.plain(said.replace("configs", "model.configs"))
    assert plain.plain(said) != plain.plain(said.replace("VARIANTS", "ROWS"))
