"""Every listed extractor keeps its protocol: an identity that names its weights, and no torch until it is loaded."""

import json

import pytest

from egobench.catalog import EXTRACTORS


@pytest.mark.parametrize("name", EXTRACTORS.names())
def test_a_listed_extractor_has_a_readable_identity(name):
    extractor = EXTRACTORS.load(name)()
    assert extractor.name == name
    record = extractor.protocol()
    assert len(record["weights_sha256"]) == 64
    assert json.loads(json.dumps(record)) == record
    assert extractor.__doc__
