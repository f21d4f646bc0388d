"""What changes a digest and what does not."""

import hashlib

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.files.digest import digest_arrays, digest_bytes, digest_file, digest_json


def test_bytes_and_files_are_plain_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert digest_file(tmp_path / "a") == digest_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(BadInputError, match="no such file"):
        digest_file(tmp_path / "none")


def test_byte_order_memory_layout_and_name_order_do_not_matter():
    x = np.arange(6, dtype="<f8").reshape(2, 3)
    assert digest_arrays(x=x, y=x) == digest_arrays(y=np.asfortranarray(x), x=x.astype(">f8"))


def test_name_dtype_shape_and_value_matter():
    x = np.arange(6.0).reshape(2, 3)
    variants = [{"x": x}, {"y": x}, {"x": x.astype(np.float32)}, {"x": x.reshape(3, 2)}, {"x": x + 1}, {"x": x, "y": x}]
    assert len({digest_arrays(**v) for v in variants}) == len(variants)
    assert digest_arrays(x=np.zeros(())) != digest_arrays(x=np.zeros(1))


def test_json_ignores_the_order_of_keys_only():
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])


def test_what_has_no_digest_is_refused():
    with pytest.raises(BadInputError, match="JSON"):
        digest_json({"a": float("nan")})
    with pytest.raises(BadInputError, match="objects"):
        digest_arrays(x=np.array([None]))
