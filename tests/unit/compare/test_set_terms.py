"""Set metrics of real (tiny) runs: paired by features, from the cache or made again; refused where they cannot be."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from egobench.cli.main import main
from egobench.compare.baseline import baseline_side
from egobench.compare.comparison import compare_sides
from egobench.compare.run_side import run_side
from egobench.compare.side import Unpaired
from egobench.compare.update import update_baseline
from egobench.errors import BadInputError, NotComparableError
from egobench.files.atomic import read_json, write_json
from egobench.files.digest import digest_json
from egobench.metrics.base import Need, SetMetric
from egobench.metrics.frechet_score import frechet_left_out
from egobench.metrics.hand_score import HandScore
from egobench.metrics.r_precision import RPrecision
from egobench.run.run import start_run
from egobench.run.terms import SetRows, _left_out  # pyright: ignore[reportPrivateUsage]
from egobench.stats.frechet import frechet_distance
from egobench.store.folder import RunFolder
from egobench.store.manifest import read_manifest, write_manifest
from egobench.store.seal import sealed


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of models that differ, and a copy of the first one; their cache stands beside them."""
    home = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(home / "cache"))
        from pipeline_toys import make_split

        from egobench.run.run import RunRequest

        split = make_split(home / "split")
        found = []
        for model in ("ToyModel", "Shuffled"):
            request = RunRequest(
                model=f"pipeline_toys:{model}",
                split=str(split),
                metrics="pipeline_toys:MeanColour,pipeline_toys:Speed",
                draws=0,
                engine="inline",
                out=str(home / "out"),
            )
            found.append(start_run(request).path)
        yield [*found, Path(shutil.copytree(found[0], home / "out" / "copy"))]


@pytest.fixture(autouse=True)
def own_cache(runs, tmp_path, monkeypatch):
    """A copy of the runs' cache."""
    cache = Path(shutil.copytree(runs[0].parent.parent / "cache", tmp_path / "cache"))
    monkeypatch.setenv("EGOBENCH_CACHE", str(cache))
    return cache


def test_a_set_metric_is_paired_without_each_recording(runs):
    comparison = compare_sides(run_side(runs[0]), run_side(runs[1]))
    row = comparison.row("toy-colour")
    first, second = comparison.terms["toy-colour"]
    assert (row.difference.groups, row.difference.method, row.pairs.paired) == (4, "jackknife", 8)
    assert row.difference.value == pytest.approx(second.value - first.value)
    assert len(first.left_out) == 4
    assert first.value == pytest.approx(run_side(runs[0]).results["toy-colour"]["value"])


def test_the_same_samples_of_another_run_differ_by_exactly_nothing(runs):
    row = compare_sides(run_side(runs[0]), run_side(runs[2])).row("toy-colour")
    assert (row.difference.value, row.difference.ci95, row.verdict) == (0, (0, 0), "equivalent")


def test_what_the_cache_has_lost_is_made_again_from_the_samples(runs, own_cache):
    before = compare_sides(run_side(runs[0]), run_side(runs[1])).row("toy-colour")
    shutil.rmtree(own_cache)
    after = compare_sides(run_side(runs[0]), run_side(runs[1])).row("toy-colour")
    assert after.difference == before.difference


@pytest.fixture
def rounds(monkeypatch):
    """The jobs and items of every round of extraction that is started."""
    from egobench.run import terms

    started = []

    def watched(name, workers):
        engine = resolve_engine(name, workers)

        class Watched:
            def run(self, job, items):
                started.append(list(items))
                return engine.run(job, items)

        return Watched()

    resolve_engine = terms.resolve_engine
    monkeypatch.setattr(terms, "resolve_engine", watched)
    return started


def test_a_cold_cache_is_filled_in_one_round_for_both_runs_and_their_references(runs, own_cache, rounds):
    before = compare_sides(run_side(runs[0]), run_side(runs[1])).row("toy-colour")
    assert rounds == []
    shutil.rmtree(own_cache)
    after = compare_sides(run_side(runs[0]), run_side(runs[1])).row("toy-colour")
    assert after.difference == before.difference
    (items,) = rounds
    samples = [item for item in items if item.seed >= 0]
    assert len({(item.clip_id, item.seed, item.folder) for item in items}) == len(items)
    assert {item.folder for item in samples} == {str(runs[0].resolve()), str(runs[1].resolve())}


def test_three_runs_of_the_command_line_are_one_round_too(runs, own_cache, rounds, capsys):
    shutil.rmtree(own_cache)
    assert main(["compare", *map(str, runs)]) == 0
    assert len(rounds) == 1
    assert main(["compare", *map(str, runs)]) == 0
    assert len(rounds) == 1


def test_runs_that_are_refused_start_no_round(runs, own_cache, rounds, tmp_path, capsys):
    other = Path(shutil.copytree(runs[1], tmp_path / "other"))
    manifest, document = read_json(other / "manifest.json"), read_json(other / "metrics.json")
    result = document["metrics"]["toy-speed"]
    record = {**manifest["protocols"].pop(result["protocol"]), "seeds": 9}
    result["protocol"] = digest_json(record)
    manifest["protocols"][result["protocol"]] = record
    write_json(other / "metrics.json", document)
    write_manifest(RunFolder(other), sealed(manifest, RunFolder(other)))
    shutil.rmtree(own_cache)
    assert main(["compare", str(runs[0]), str(runs[2]), str(other)]) == 3
    assert rounds == []


def test_samples_that_cannot_be_read_are_looked_at_once(runs, own_cache, rounds, tmp_path):
    bare = Path(shutil.copytree(runs[0], tmp_path / "bare", ignore=shutil.ignore_patterns("samples")))
    shutil.rmtree(own_cache)
    with pytest.raises(BadInputError, match="neither features nor samples"):
        compare_sides(run_side(bare), run_side(runs[1]))
    assert len(rounds) == 1


def test_without_cache_and_samples_it_is_one_line(runs, own_cache, tmp_path):
    bare = Path(shutil.copytree(runs[0], tmp_path / "bare", ignore=shutil.ignore_patterns("samples")))
    shutil.rmtree(own_cache)
    with pytest.raises(BadInputError, match="neither features nor samples of any row can be read") as caught:
        compare_sides(run_side(bare), run_side(runs[1]))
    assert caught.value.code == "terms-unreadable"
    assert compare_sides(run_side(bare), run_side(runs[1]), ["toy-speed"]).row("toy-speed").pairs.paired == 8


def test_a_value_that_features_no_longer_give_is_refused(runs, own_cache, tmp_path):
    edited = Path(shutil.copytree(runs[0], tmp_path / "edited"))
    text = (edited / "metrics.json").read_text(encoding="utf-8")
    value = run_side(runs[0]).results["toy-colour"]["value"]
    (edited / "metrics.json").write_text(text.replace(str(value), str(value + 1)), encoding="utf-8")
    with pytest.raises(
        BadInputError, match=r"has changed since it was finished: file-changed: metrics\.json"
    ) as caught:
        run_side(edited)
    assert caught.value.code == "run-changed"
    write_manifest(RunFolder(edited), sealed(read_manifest(RunFolder(edited)), RunFolder(edited)))
    with pytest.raises(BadInputError, match="samples are lost or changed") as caught:
        compare_sides(run_side(edited), run_side(runs[1]))
    assert caught.value.code == "terms-differ"


def test_other_weights_than_those_of_the_run_are_refused_by_name(runs, own_cache, monkeypatch):
    import pipeline_toys

    shutil.rmtree(own_cache)
    monkeypatch.setattr(pipeline_toys.ToyExtractor, "protocol", lambda self: {"weights_sha256": "1" * 64})
    with pytest.raises(NotComparableError, match="weights_sha256 differ; run it again"):
        compare_sides(run_side(runs[0]), run_side(runs[1]))


def test_a_baseline_pairs_a_set_metric_without_its_features(runs, own_cache, tmp_path):
    update_baseline(runs[0], tmp_path / "base.json", reason="the first one")
    direct = compare_sides(run_side(runs[0]), run_side(runs[1])).row("toy-colour")
    stored = compare_sides(baseline_side(tmp_path / "base.json"), run_side(runs[1])).row("toy-colour")
    assert stored.difference == direct.difference


def test_a_baseline_cannot_give_a_set_metric_over_fewer_rows(runs, tmp_path):
    update_baseline(runs[0], tmp_path / "base.json", reason="the first one")
    source = baseline_side(tmp_path / "base.json").source
    keys = source.terms("toy-colour", None).keys
    assert source.terms("toy-colour", keys).value
    with pytest.raises(Unpaired, match="over 8 rows, 7 of them can be paired") as caught:
        source.terms("toy-colour", keys[1:])
    assert caught.value.incomplete


def test_leaving_blocks_out_of_a_frechet_distance_is_scoring_the_rest():
    rng = np.random.default_rng(0)
    sample, reference = (list(rng.normal(size=(9, 4, 3)) * scale) for scale in (1.2, 1.0))
    blocks = np.array([0, 1, 2, 0, 1, 2, 2, 2, 1])
    whole, without = frechet_left_out(sample, reference, blocks)
    assert whole == frechet_distance(np.concatenate(reference), np.concatenate(sample))
    for block, value in enumerate(without):
        kept = np.flatnonzero(blocks != block)
        sides = (np.concatenate([side[row] for row in kept]) for side in (reference, sample))
        assert value == pytest.approx(frechet_distance(*sides), rel=1e-9)


def test_a_metric_that_cannot_leave_out_is_scored_without_each_block():
    @dataclass(frozen=True)
    class Spread(SetMetric):
        def needs(self):
            return {"x": Need("sample", "motion")}

        def score(self, inputs, clips, groups, *, draws, seed):
            assert (len(clips), draws) == (len(groups), 0)
            return type("Score", (), {"value": float(np.ptp(inputs["x"]))})

    value, found = _left_out(Spread(), SetRows({"x": [1.0, 5.0, 9.0]}, ["a", "b", "c"]), np.array([0, 1, 2]))
    assert (value, found.tolist()) == (8, [4, 8, 4])


def test_rows_of_r_precision_and_hand_score_add_up_to_the_value():
    rng = np.random.default_rng(1)
    clips = [f"c{number}" for number in range(40)]
    inputs = {"text": list(rng.normal(size=(40, 8))), "caption": clips}
    inputs["motion"] = [row + rng.normal(scale=0.8, size=8) for row in inputs["text"]]
    metric = RPrecision()
    above, below = metric.terms(inputs, clips)
    value = metric.score(inputs, clips, np.arange(40), draws=0, seed=0).value
    assert above.sum() / below.sum() == pytest.approx(value)
    assert HandScore.terms is not SetMetric.terms
