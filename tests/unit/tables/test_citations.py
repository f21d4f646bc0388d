"""`cite` names what a run used and nothing else; the suite's facts are those of CITATION.cff."""

import json
import re
import shutil
from pathlib import Path

import pytest

from egobench import __version__
from egobench.catalog import ESTIMATORS, EXTRACTORS, METRICS
from egobench.errors import BadInputError
from egobench.extractors.weights_manifest import read_manifest
from egobench.tables.citations import (
    NAMED_PAPER,
    SUITE_TITLE,
    SUITE_YEAR,
    cite_run,
    metric_keys,
    references,
    source_text,
)

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "run-schema-1"


@pytest.fixture
def cite(tmp_path):
    """Cites a run that used these protocols."""

    def make(protocols, weights=None, model="mine"):
        run = Path(shutil.copytree(GOLDEN, tmp_path / "run", dirs_exist_ok=True))
        manifest = json.loads((run / "manifest.json").read_text())
        manifest["protocols"] = {f"{number:064d}": record for number, record in enumerate(protocols)}
        manifest["model"]["name"] = model
        manifest["weights"] = weights or {}
        (run / "manifest.json").write_text(json.dumps(manifest))
        return cite_run(run)

    return make


def protocol(metric, *extractors, estimators=()):
    return {
        "metric": {"metric": metric},
        "extractors": {name: {} for name in extractors},
        "estimators": {name: {} for name in estimators},
    }


@pytest.mark.parametrize("name", METRICS.builtin)
def test_every_paper_that_a_metrics_source_names_has_an_entry(name):
    text, known = source_text(name), references()
    assert text
    named = NAMED_PAPER.findall(text) + re.findall("EgoTwin", text)
    phrases = [phrase for entry in known.values() for phrase in entry.get("cited_as", ())]
    for paper in named:
        assert any(phrase in paper or paper in phrase for phrase in phrases), f"{name}: {paper} has no entry"
    assert bool(list(metric_keys(name, known))) == bool(named)


def test_every_entry_is_used_and_names_what_exists():
    texts = " ".join(source_text(name) for name in METRICS.builtin)
    makers = {*EXTRACTORS.names(), *ESTIMATORS.names(), "egotwin"}
    for key, entry in references().items():
        assert {"type", "title", "author", "year"} <= set(entry), key
        assert set(entry.get("used_by", ())) <= makers, key
        assert entry.get("used_by") or any(phrase in texts for phrase in entry["cited_as"]), key
        assert entry["title"].count("{") == entry["title"].count("}")
        assert all(" and " in entry["author"] or entry["author"].count(",") == 1 for _ in "x"), key


def test_a_run_cites_the_suite_first_and_then_only_what_it_used(cite):
    entries, unknown = cite([protocol("i-fid", "inception.clean"), protocol("jerk")])
    keys = [entry.key for entry in entries]
    expected = {"egobench", "egotwin", "heusel2017gans", "parmar2022aliased", "szegedy2016rethinking"}
    assert keys[0] == "egobench"
    assert set(keys) == expected | {"flash1985coordination"}
    assert not unknown
    (parmar,) = [entry for entry in entries if entry.key == "parmar2022aliased"]
    assert parmar.why == ["inception.clean (i-fid)"]


def test_weights_are_entries_with_the_digest_that_the_run_recorded(cite):
    weights = {"i3d.crop": "ab" * 32, "egomini-clip": "cd" * 32}
    entries, unknown = cite([protocol("fvd", "i3d.crop"), protocol("rot-err", estimators=["colmap"])], weights)
    (file,) = [entry for entry in entries if entry.type == "misc"]
    assert "ab" * 32 in file.fields["note"]
    assert file.fields["howpublished"].startswith(r"\url{https://")
    assert file.why == ["i3d.crop"]
    assert any("cd" * 32 in line for line in unknown)
    assert "schonberger2016structure" in [entry.key for entry in entries]
    assert len(read_manifest()) >= 4


def test_the_model_and_metrics_of_ones_own_are_told_apart(cite):
    entries, unknown = cite([protocol("toy-speed")], model="egotwin")
    assert [entry.why for entry in entries if entry.key == "egotwin"] == [["model egotwin"]]
    assert any("toy-speed is no part of EgoBench" in line for line in unknown)


def test_the_entries_are_bibtex(cite):
    entries, _ = cite([protocol("i-fid", "inception.tf"), protocol("trans-err", estimators=["rotation-chain"])])
    for entry in entries:
        text = entry.bibtex
        assert re.match(rf"% {entry.key}: .+\n@{entry.type}{{{entry.key},\n", text)
        assert text.count("{") == text.count("}")
        assert not re.search(r"(?<!\\)[&%$#_]", "".join(entry.fields[name] for name in ("title", "author")))
    note = entries[0].fields["note"]
    assert "split toy, digest d5a40604de71" in note
    assert r"\_" in note or "_" not in note


def test_the_suite_is_the_one_of_citation_cff():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'title: "{SUITE_TITLE.replace("{", "").replace("}", "")}"' in text
    assert f"version: {__version__}" in text
    assert f"date-released: {SUITE_YEAR}-" in text


def test_a_run_that_is_not_done_is_not_cited(tmp_path):
    run = Path(shutil.copytree(GOLDEN, tmp_path / "run"))
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "started"}))
    with pytest.raises(BadInputError, match="egobench resume"):
        cite_run(run)
