"""A pack gives back what was put, bit for bit; whatever is damaged is a miss, and never a wrong number."""

import json

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.files.arrays import read_npz, write_npz
from egobench.store.cache import Cache, cache_key
from egobench.store.pack import open_pack, pack_bytes, write_pack

FEATURES = 12


def entries():
    """Twelve features of one form, two of them equal; three entries of forms of their own."""
    rng = np.random.default_rng(0)
    found = {cache_key(feature=i): {"features": rng.normal(size=8).astype(np.float32)} for i in range(FEATURES)}
    found[cache_key(feature=1)] = found[cache_key(feature=0)]
    found |= {cache_key(empty=i): {"why": np.array(""), "chance": np.zeros(0)} for i in range(4)}
    path = {"path": rng.normal(size=(3, 4, 4)), "status": np.array("ok"), "registered": np.array([True, False, True])}
    path["path"][1] = np.nan
    return {
        **found,
        cache_key(path=1): path,
        cache_key(floor=1): {"floor": np.zeros(0), "notes": np.array("keine Zahl: é")},
        cache_key(floor=2): {"floor": np.array([0.1 + 0.2]), "notes": np.array("{}")},
    }


def assert_same(ours, right):
    assert ours.keys() == right.keys()
    for name, array in right.items():
        assert (ours[name].dtype, ours[name].shape) == (array.dtype, array.shape)
        assert ours[name].tobytes() == array.tobytes()


@pytest.fixture
def packed(tmp_path):
    write_pack(tmp_path / "a.npz", entries(), {"made": "here"})
    return tmp_path / "a.npz"


def test_a_pack_gives_back_every_bit(packed):
    pack = open_pack(packed)
    assert pack is not None
    assert (len(pack), pack.about) == (FEATURES + 7, {"made": "here"})
    for key, arrays in entries().items():
        assert_same(pack.get(key), arrays)
    assert pack.get(cache_key(feature="none")) is None


def test_what_a_reader_changes_in_place_the_next_one_does_not_see(packed):
    pack, key = open_pack(packed), cache_key(feature=2)
    pack.get(key)["features"][:] = 0
    assert_same(pack.get(key), entries()[key])


def test_equal_entries_give_equal_bytes_and_equal_arrays_lie_there_once():
    assert pack_bytes(entries(), {}) == pack_bytes(entries(), {})
    features = {"features": np.random.default_rng(1).normal(size=4000)}
    one = pack_bytes({cache_key(n=i): features for i in range(4)}, {})
    assert len(one) < 1.2 * features["features"].nbytes


def test_the_bytes_of_numbers_are_sorted_by_their_place_so_that_exponents_compress(tmp_path):
    rng = np.random.default_rng(2)
    found = {cache_key(n=i): {"features": rng.normal(size=2000).astype(np.float32)} for i in range(40)}
    size = write_pack(tmp_path / "a.npz", found, {})
    write_npz(tmp_path / "plain.npz", **{key: arrays["features"] for key, arrays in found.items()})
    assert size < 0.88 * 320_000  # 24 of 32 bits are random
    assert size < 0.95 * (tmp_path / "plain.npz").stat().st_size


def test_any_flipped_bit_is_a_miss_or_does_no_harm(packed, tmp_path):
    good, right, missed = packed.read_bytes(), entries(), 0
    for number, place in enumerate(np.random.default_rng(0).integers(0, len(good), 80)):
        bad = bytearray(good)
        bad[place] ^= 1 << number % 8
        file = tmp_path / f"{number}.npz"
        file.write_bytes(bad)
        pack = open_pack(file)
        for key, arrays in right.items():
            found = None if pack is None else pack.get(key)
            if found is None:
                missed += 1
            else:
                assert_same(found, arrays)
    assert missed > 80


def test_a_number_that_was_changed_with_its_checksum_is_a_miss(packed):
    arrays = read_npz(packed)
    arrays["b0_features"][3, 5] ^= 1
    write_npz(packed, **arrays)
    pack, keys = open_pack(packed), list(entries())
    assert sum(pack.get(key) is None for key in keys[:FEATURES]) in (1, 2)  # one row, which two keys may share
    assert all(pack.get(key) is not None for key in keys[FEATURES:])


def test_an_entry_under_another_entrys_key_is_a_miss(packed):
    arrays = read_npz(packed)
    arrays["places"][[3, 4]] = arrays["places"][[4, 3]]
    write_npz(packed, **arrays)
    pack, keys = open_pack(packed), list(entries())
    assert [pack.get(key) is None for key in keys[:6]] == [False, False, False, True, True, False]


@pytest.mark.parametrize("spoil", ["missing", "empty", "cut", "no npz", "newer", "no index"])
def test_what_is_no_pack_that_can_be_read_is_none(packed, spoil):
    data, arrays = packed.read_bytes(), read_npz(packed)
    if spoil == "missing":
        packed.unlink()
    elif spoil == "newer":
        about = {**json.loads(str(arrays["about"])), "schema": 2}
        write_npz(packed, **{**arrays, "about": np.array(json.dumps(about))})
    elif spoil == "no index":
        write_npz(packed, **{name: array for name, array in arrays.items() if name != "keys"})
    else:
        packed.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "no npz": b"x" * 100}[spoil])
    assert open_pack(packed) is None


def test_a_file_written_anew_is_opened_anew(packed):
    key = cache_key(feature=2)
    assert open_pack(packed).get(key) is not None
    write_pack(packed, {cache_key(other=1): {"x": np.zeros(3)}}, {})
    assert open_pack(packed).get(key) is None


def test_two_keys_that_begin_alike_are_refused():
    with pytest.raises(BadInputError, match="same 8 bytes") as caught:
        pack_bytes({"ab" * 8 + end: {"x": np.zeros(1)} for end in ("00", "11")}, {})
    assert caught.value.code == "pack-keys"


def test_a_cache_asks_its_packs_for_what_its_folder_lacks_and_writes_to_the_folder_only(packed, tmp_path):
    before, (key, other) = packed.read_bytes(), list(entries())[2:4]
    cache = Cache(tmp_path / "cache", (open_pack(packed),))
    assert (cache.state(key), cache.state(cache_key(none=1))) == ("whole", "absent")
    assert_same(cache.get(key), entries()[key])
    assert not (tmp_path / "cache").exists()
    cache.put(key, {"features": np.zeros(2)})
    assert_same(cache.get(key), {"features": np.zeros(2)})
    cache.entry(key).write_bytes(b"damaged")
    assert_same(cache.get(key), entries()[key])
    assert cache.state(key) == "damaged", "a file that should be deleted is told, whatever a pack holds"
    assert_same(cache.get(other), entries()[other])
    assert packed.read_bytes() == before
