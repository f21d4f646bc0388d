"""Every listed extractor keeps its protocol: an identity that names its weights, and no torch until it is loaded."""

import json

import pytest

from egobench.catalog import EXTRACTORS
from egobench.errors import BadInputError
from egobench.extractors.weights_manifest import read_manifest


@pytest.fixture(autouse=True)
def weights(monkeypatch, tmp_path):
    """A weights folder with a hole of the right size for each public file; only loading compares content."""
    monkeypatch.setenv("EGOBENCH_WEIGHTS", str(tmp_path))
    for entry in read_manifest().values():
        with (tmp_path / entry.file).open("wb") as file:
            file.truncate(entry.bytes or 1)
    return tmp_path


@pytest.mark.parametrize("name", EXTRACTORS.names())
def test_a_listed_extractor_has_a_readable_identity(name):
    extractor = EXTRACTORS.load(name)()
    assert extractor.name == name
    record = extractor.protocol()
    assert len(record["weights_sha256"]) == 64
    assert json.loads(json.dumps(record)) == record
    assert extractor.__doc__


@pytest.mark.parametrize("name", sorted(preset for entry in read_manifest().values() for preset in entry.used_by))
def test_public_weights_that_are_missing_or_others_are_refused_by_name(name, weights):
    extractor = EXTRACTORS.load(name)()
    with pytest.raises(BadInputError, match="has sha256") as refusal:
        extractor.load("cpu")
    assert refusal.value.code == "weights-other"
    (weights / extractor.weight_file.file).unlink()
    for call in (extractor.protocol, lambda: extractor.load("cpu")):
        with pytest.raises(BadInputError, match=extractor.weight_file.sha256) as refusal:
            call()
        assert refusal.value.code == "weights-missing"
