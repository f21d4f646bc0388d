"""`verify` finds every planted edit, on the seal or without it, and says nothing of a run that is whole."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split

from egobench.audit.verify import verify_run
from egobench.errors import BadInputError
from egobench.run.finished import metrics_text, plan_of_run
from egobench.run.run import RunRequest, start_run
from egobench.scoring.inputs import Inputs, Origin
from egobench.store.cache import Cache, cache_home
from egobench.store.folder import RunFolder, open_run
from egobench.store.manifest import read_finished, read_manifest, write_manifest
from egobench.store.seal import sealed
from egobench.store.tables import read_items, read_scores, write_items, write_scores


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("verify")


@pytest.fixture(scope="module")
def split(place):
    return make_split(place / "split", sequences=3, windows=1)


@pytest.fixture(scope="module")
def finished(place, split):
    """A run of every kind of item: whole, failed, undefined."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(place / "cache"))
        request = RunRequest(
            "pipeline_toys:ToyModel",
            str(split),
            model_options={"fail": "toy-01=raise;toy-02=still"},
            metrics=METRICS,
            engine="inline",
            draws=20,
            allow_failed=1,
        )
        return start_run(replace(request, out=str(place / "runs"))).path


@pytest.fixture
def run(finished, place, tmp_path, monkeypatch):
    """A copy of the run and of its cache, to be edited."""
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(place / "cache", tmp_path / "cache")
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, sort_keys=True, indent=2) + "\n")


def flip(path, place=-40):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def entries_of(run):
    """Files of the cache that the run's samples and their references have; others stand in for chance."""
    manifest = read_finished(RunFolder(run))
    run_plan, cache = plan_of_run(manifest, metrics_text(manifest)), Cache(cache_home())
    inputs = Inputs(run_plan.split, RunFolder(run), cache, {})
    items = [item for item in read_items(run / "items.parquet") if item.status == "ok"]
    needs = [need for metric in run_plan.metrics for need in metric.needs().values()]
    entries = [inputs.cached_input(need, item.clip, Origin(item)) for item in items for need in needs]
    return sorted({cache.entry(entry.key) for entry in entries if entry is not None})


def edit_score(run, label, **change):
    rows = read_scores(run / "scores.parquet")
    place = next(k for k, row in enumerate(rows) if row.metric == label and row.status == "ok")
    rows[place] = replace(rows[place], **change)
    write_scores(run / "scores.parquet", rows)


def edit_item(run, **change):
    rows = read_items(run / "items.parquet")
    write_items(run / "items.parquet", [replace(rows[0], **change), *rows[1:]])


def seal_again(run):
    """What a forger who knows the format would do after an edit."""
    folder = open_run(run)
    write_manifest(folder, sealed(read_manifest(folder), folder))


def forge_value(run):
    edit_score(run, "toy-speed", value=0.5)
    edit_json(run / "metrics.json", lambda m: m["metrics"]["toy-speed"].update(value=0.5, ci95=None))
    edit_json(run / "manifest.json", lambda m: m["request"].update(draws=0))


def forge_set(run):
    edit_score(run, "toy-colour", value=0.25)
    edit_json(run / "metrics.json", lambda m: m["metrics"]["toy-colour"].update(value=0.25))


def forge_sample(run):
    """Another clip's motion, with its digest entered everywhere."""
    rows = read_items(run / "items.parquet")
    theirs = rows[2]
    shutil.copy(run / "samples/toy-02/0/motion.npz", run / "samples/toy-00/0/motion.npz")
    edit_item(run, motion=theirs.motion)
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    lines = [{**line, "motion": theirs.motion} if line["clip"] == "toy-00" else line for line in lines]
    (run / "events.jsonl").write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))


def metric(label, **change):
    return lambda run: edit_json(run / "metrics.json", lambda m: m["metrics"][label].update(change))


def document(change):
    return lambda run: edit_json(run / "metrics.json", change)


def manifest(change):
    return lambda run: edit_json(run / "manifest.json", change)


def content(name, change):
    return lambda run: (run / name).write_bytes(change((run / name).read_bytes()))


def drop_line(data):
    return b"".join(data.splitlines(keepends=True)[:-1])


def add_sample(run):
    (run / "samples/toy-01").mkdir()
    (run / "samples/toy-01/x.npz").touch()


def link_sample(run):
    (run / "samples/toy-01").symlink_to(run / "samples/toy-00")


def drop_score(run):
    write_scores(run / "scores.parquet", read_scores(run / "scores.parquet")[:-1])


def drop_item(run):
    write_items(run / "items.parquet", read_items(run / "items.parquet")[1:])


EDITS = {
    "a sample edited after scoring": (lambda run: flip(run / "samples/toy-00/0/video.mp4"), "sample-changed"),
    "a sample's motion edited": (lambda run: flip(run / "samples/toy-02/0/motion.npz"), "sample-changed"),
    "a sample deleted": (lambda run: (run / "samples/toy-00/0/motion.npz").unlink(), "sample-missing"),
    "a file put among the samples": (add_sample, "sample-extra"),
    "a link put among the samples": (link_sample, "sample-extra"),
    "a value of metrics.json": (metric("toy-speed", value=0.5), "metrics-differ"),
    "an interval of metrics.json": (metric("toy-speed", ci95=[0.1, 0.2]), "metrics-differ"),
    "a count of metrics.json": (metric("toy-gap", n_undefined=0, n=3), "metrics-differ"),
    "the value of a set metric": (metric("toy-colour", value=0.5), "metrics-differ"),
    "a protocol of metrics.json": (metric("toy-colour", protocol="0" * 64), "metrics-differ"),
    "a floor of metrics.json": (metric("toy-speed", floor=9.0), "file-changed"),
    "the model's name in metrics.json": (document(lambda m: m.update(model="better")), "metrics-differ"),
    "a metric dropped from metrics.json": (document(lambda m: m["metrics"].pop("toy-gap")), "metrics-differ"),
    "a metrics.json cut": (content("metrics.json", lambda data: data[:90]), "json-unreadable"),
    "a row of scores.parquet": (lambda run: edit_score(run, "toy-speed", value=0.5), "metrics-differ"),
    "a reason in scores.parquet": (lambda run: edit_score(run, "toy-gap", reason="why"), "file-changed"),
    "a row of scores.parquet dropped": (drop_score, "score-missing"),
    "scores.parquet deleted": (lambda run: (run / "scores.parquet").unlink(), "file-missing"),
    "a digest in items.parquet": (lambda run: edit_item(run, video="0" * 64), "item-differs"),
    "a participant in items.parquet": (lambda run: edit_item(run, participant="somebody"), "file-changed"),
    "a row of items.parquet dropped": (drop_item, "item-count"),
    "items.parquet cut": (content("items.parquet", lambda data: data[:-8]), "table-unreadable"),
    "a setting in the manifest": (manifest(lambda m: m["model"]["settings"].update(sleep=1.0)), "manifest-changed"),
    "the commit in the manifest": (manifest(lambda m: m.update(commit="abc")), "manifest-changed"),
    "a key added to the manifest": (manifest(lambda m: m.update(note="")), "manifest-changed"),
    "a protocol": (manifest(lambda m: next(iter(m["protocols"].values())).update(clips=9)), "protocol-changed"),
    "the split's digest": (manifest(lambda m: m["split"].update(digest="0" * 64)), "identity-changed"),
    "the count of failures": (manifest(lambda m: m["items"].update(failed=0)), "manifest-differs"),
    "the seal taken away": (manifest(lambda m: m.pop("seal")), "seal-missing"),
    "a digest of the seal": (manifest(lambda m: m["seal"]["files"].pop("metrics.json")), "seal-damaged"),
    "the journal cut at a line": (
        content("events.jsonl", lambda d: b"".join(d.splitlines(True)[:-1])),
        "event-missing",
    ),
    "the journal cut inside a line": (content("events.jsonl", lambda data: data[:-9]), "event-missing"),
    "the journal deleted": (lambda run: (run / "events.jsonl").unlink(), "file-missing"),
    "a line of the journal damaged": (lambda run: flip(run / "events.jsonl", 0), "journal-damaged"),
}
"""What is planted → how, and a code that must be among those found; found without deriving anything."""


@pytest.mark.parametrize("what", EDITS)
def test_a_planted_edit_is_found_and_told_in_one_line(run, what):
    plant, code = EDITS[what]
    plant(run)
    flaws = verify_run(run, share=0).flaws
    assert code in [flaw.code for flaw in flaws]
    assert all("\n" not in flaw.line for flaw in flaws)


FORGED = {
    "a clip's score and its mean, seal and all": (forge_value, {"derived-score"}),
    "the value of a set metric, seal and all": (forge_set, {"derived-score"}),
    "another clip's sample, seal and all": (forge_sample, {"derived-sample", "derived-score"}),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forgery_with_a_seal_of_its_own_is_found_by_deriving(run, what):
    plant, codes = FORGED[what]
    plant(run)
    seal_again(run)
    flaws = {flaw.code for flaw in verify_run(run, share=1).flaws}
    assert codes <= flaws
    assert not flaws & {"file-changed", "manifest-changed", "seal-missing"}


def test_a_run_that_is_whole_has_no_flaw_and_nothing_is_written_to_it(run):
    before = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    found = verify_run(run)
    assert found.flaws == []
    assert len(found.derived) == 1, "2 % of two samples are one"
    assert found.unchecked == []
    assert found.checked["cache entries"] >= 3
    assert {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()} == before
    assert verify_run(run).derived == found.derived, "the choice is seeded"


def edit_floor(run, **numbers):
    edit_json(run / "metrics.json", lambda m: m["metrics"]["toy-gap"].update(numbers))


def test_floor_and_chance_of_every_metric_are_computed_again(run):
    honest = verify_run(run)
    assert honest.checked["floors and chances"] == 3
    record = json.loads((run / "metrics.json").read_text())["metrics"]["toy-gap"]
    assert record["chance"] > record["floor"]
    edit_floor(run, floor=record["floor"] + 0.5, chance=None)
    seal_again(run)
    lines = [flaw.line for flaw in verify_run(run).flaws]
    assert [line.split(": ")[:2] for line in lines] == [
        ["derived-yardstick", "metrics.json toy-gap floor"],
        ["derived-yardstick", "metrics.json toy-gap chance"],
    ]
    assert str(record["floor"]) in lines[0]
    assert str(record["chance"]) in lines[1]


def test_a_floor_by_the_rules_of_another_version_is_no_flaw_and_says_so(run):
    edit_floor(run, floor=77.0)
    edit_json(run / "manifest.json", lambda m: m.pop("yardsticks"))
    seal_again(run)
    found = verify_run(run)
    assert found.flaws == []
    assert found.checked["floors and chances"] == 2, "those that are the same by either rule"
    (said,) = found.unchecked
    assert said.startswith("toy-gap: by the rules of this version: floor ")


def test_floors_whose_features_are_gone_are_not_computed_again_and_that_is_said(run):
    for path in entries_of(run):
        path.unlink()
    found = verify_run(run)
    assert found.flaws == []
    said = [line for line in found.unchecked if line.endswith("floor and chance were not computed again")]
    assert {line.partition(":")[0] for line in said} == {"toy-gap", "toy-colour", "toy-speed"}
    assert all("of the references are not in the cache" in line for line in said)
    assert found.checked["floors and chances"] == 0


def test_a_bit_of_any_cache_entry_and_a_swapped_entry_are_found(run, tmp_path):
    features = [path for path in entries_of(run) if b"features" in path.read_bytes()]
    flip(features[0], 40)
    swapped, features[1] = features[1].read_bytes(), features[1]
    features[1].write_bytes(features[2].read_bytes())
    found = verify_run(run)
    assert [flaw.code for flaw in found.flaws] == ["cache-damaged"] * 2
    assert swapped != features[2].read_bytes()


def test_an_edit_of_the_split_is_found(run, split, tmp_path):
    elsewhere = make_split(tmp_path / "other", sequences=4, windows=1)
    edit_json(run / "manifest.json", lambda m: m["request"].update(split=str(elsewhere)))
    codes = [flaw.code for flaw in verify_run(run).flaws]
    assert codes == ["manifest-changed", "split-changed"]


def test_weights_that_are_others_now_are_named(run, monkeypatch):
    record = {"extractor": "toy-extractor", "weights_sha256": "1" * 64}
    monkeypatch.setattr("pipeline_toys.ToyExtractor.protocol", lambda self: record)
    flaws = [flaw for flaw in verify_run(run).flaws if flaw.code == "protocol-other"]
    assert len(flaws) == 2, "the two metrics that look at pictures"
    assert all("extractors.pipeline_toys:ToyExtractor.weights_sha256 differ" in flaw.found for flaw in flaws)


def test_a_model_that_is_not_here_is_no_flaw_of_the_run(run, monkeypatch):
    edit_json(run / "manifest.json", lambda m: m["request"].update(model="gone:Model"))
    edit_json(run / "metrics.json", lambda m: m.update(model="gone:Model"))
    seal_again(run)
    found = verify_run(run)
    assert any("gone:Model cannot be asked here" in line for line in found.unchecked)
    assert {flaw.code for flaw in found.flaws} <= {"identity-changed", "metrics-differ"}


def test_an_unfinished_run_and_a_share_that_is_none_are_refused(run):
    with pytest.raises(BadInputError, match="0 to 1"):
        verify_run(run, share=2)
    edit_json(run / "manifest.json", lambda m: m.update(status="started"))
    with pytest.raises(BadInputError, match="egobench resume") as caught:
        verify_run(run)
    assert caught.value.code == "run-unfinished"


def test_a_run_of_schema_1_is_held_to_itself_and_says_that_it_has_no_seal(tmp_path):
    golden = Path(__file__).parents[2] / "golden" / "run-schema-1"
    copy = Path(shutil.copytree(golden, tmp_path / "run"))
    found = verify_run(copy, share=0)
    left_out = {"sample-missing"}  # the fixture has one sample of four
    assert {flaw.code for flaw in found.flaws} == left_out
    assert "has none" in found.unchecked[0]
    edit_json(copy / "metrics.json", lambda m: m["metrics"]["toy-speed"].update(value=0.5))
    assert {flaw.code for flaw in verify_run(copy, share=0).flaws} == left_out | {"metrics-differ"}
