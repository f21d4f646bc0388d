"""Stable bytes, and files made to break a reader."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.files.arrays import npz_names, read_npy, read_npz, write_npz


def code_of(path, **asked):
    with pytest.raises(BadInputError) as caught:
        read_npz(path, **asked)
    return caught.value.code


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def zipped(path, entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.float64).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.float64(3.5),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_come_back_as_they_were(tmp_path, array):
    write_npz(tmp_path / "a.npz", x=np.asarray(array), y=np.arange(2))
    back = read_npz(tmp_path / "a.npz")
    assert sorted(back) == ["x", "y"]
    np.testing.assert_array_equal(back["x"], array)
    assert back["x"].dtype == np.asarray(array).dtype
    with np.load(tmp_path / "a.npz") as plain:  # numpy itself reads them too
        np.testing.assert_array_equal(plain["x"], array)


def test_equal_arrays_give_equal_bytes_whatever_the_order(tmp_path):
    write_npz(tmp_path / "a.npz", x=np.arange(3), y=np.ones(2))
    write_npz(tmp_path / "b.npz", y=np.ones(2), x=np.arange(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_read_arrays_can_be_changed(tmp_path):
    write_npz(tmp_path / "a.npz", x=np.zeros(3))
    read_npz(tmp_path / "a.npz")["x"][0] = 1


def test_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(BadInputError, match="object"):
        write_npz(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    np.savez(tmp_path / "b.npz", x=np.array([{"a": 1}], dtype=object))
    assert code_of(tmp_path / "b.npz") == "npz-dtype"
    np.savez(tmp_path / "c.npz", x=np.zeros(2, dtype=[("a", "f4")]))
    assert code_of(tmp_path / "c.npz") == "npz-dtype"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_output_cannot_be_bounded_are_refused_unopened(tmp_path, method):
    small = zipped(tmp_path / "a.npz", [("x.npy", npy(np.zeros(3)))], method)
    assert code_of(small) == "npz-compression"


def test_a_zip_with_a_password_is_refused_by_name(tmp_path):
    write_npz(tmp_path / "a.npz", x=np.zeros(3))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.npz").write_bytes(data)
    assert code_of(tmp_path / "a.npz") == "npz-encrypted"


def test_names_are_told_without_opening_an_array(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), bomb=np.array({}, dtype=object))
    assert npz_names(tmp_path / "a.npz") == {"x", "bomb"}


def test_a_bomb_is_refused_by_its_declared_size(tmp_path):
    write_npz(tmp_path / "bomb.npz", x=np.zeros(10**7))  # 80 MB in under 100 kB
    assert (tmp_path / "bomb.npz").stat().st_size < 10**5
    assert code_of(tmp_path / "bomb.npz", max_bytes=10**6) == "npz-too-large"


def test_a_header_that_lies_is_refused_before_allocation(tmp_path):
    honest = npy(np.zeros(1))
    lying = honest.replace(b"(1,), }     ", b"(10000,), } ")
    assert len(lying) == len(honest) != honest.count(b"10000")
    assert code_of(zipped(tmp_path / "a.npz", [("x.npy", lying)])) == "npz-too-large"
    assert code_of(zipped(tmp_path / "b.npz", [("x.npy", honest[:-1])])) == "npz-too-large"
    assert code_of(zipped(tmp_path / "c.npz", [("x.npy", honest + b"more")])) == "npz-unreadable"


def test_damaged_files_are_refused_by_code(tmp_path):
    write_npz(tmp_path / "good.npz", x=np.random.default_rng(0).normal(size=2000))
    good = (tmp_path / "good.npz").read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 4
    contents = {
        "empty": b"",
        "text": b"hello",
        "pickle": pickle.dumps([1, 2]),
        "half": good[: len(good) // 2],
        "flipped": bytes(flipped),
        "npy": npy(np.zeros(3)),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert code_of(tmp_path / name) == ("npz-empty" if name == "empty" else "npz-unreadable"), name
    assert code_of(tmp_path / "none") == "npz-missing"
    assert code_of(tmp_path) == "npz-missing"
    assert code_of(zipped(tmp_path / "junk.npz", [("x.npy", b"junk")])) == "npz-unreadable"


@pytest.mark.parametrize("name", ["../x.npy", "a/b.npy", "x.txt", "x"])
def test_entries_with_paths_or_other_files_are_refused(tmp_path, name):
    assert code_of(zipped(tmp_path / "a.npz", [(name, npy(np.zeros(2)))])) == "npz-name"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_repeated_name_is_refused(tmp_path):
    assert code_of(zipped(tmp_path / "a.npz", [("x.npy", npy(np.zeros(2)))] * 2)) == "npz-name"


def test_too_many_arrays_are_refused(tmp_path):
    assert code_of(zipped(tmp_path / "a.npz", [(f"{i}.npy", b"") for i in range(1100)])) == "npz-too-large"


def test_only_what_is_asked_for_is_opened(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), bomb=np.array({}, dtype=object))
    back = read_npz(tmp_path / "a.npz", only=("x", "absent"))
    assert list(back) == ["x"]
    np.testing.assert_array_equal(back["x"], np.arange(3))
    assert code_of(tmp_path / "a.npz", only=("bomb",)) == "npz-dtype"


def test_a_single_array_comes_back_or_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    np.testing.assert_array_equal(read_npy(path), np.arange(6.0).reshape(2, 3))
    whole = path.read_bytes()
    lie = whole.replace(b"(2, 3)", b"(9, 9)")
    for content, code in (
        (b"", "npz-empty"),
        (whole[:-1], "npz-too-large"),
        (whole + b"x", "npz-unreadable"),
        (lie, "npz-too-large"),
        (whole.replace(b"(2, 3)", b"(2, 3,"), "npz-unreadable"),  # numpy itself ends in a TokenError here
        (whole[:20], "npz-unreadable"),
        (b"not an array", "npz-unreadable"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "npz-dtype"),
    ):
        path.write_bytes(content)
        with pytest.raises(BadInputError) as caught:
            read_npy(path)
        assert caught.value.code == code
    path.write_bytes(whole)
    with pytest.raises(BadInputError, match="at most 10 are read"):
        read_npy(path, max_bytes=10)
    with pytest.raises(BadInputError, match="no such file"):
        read_npy(tmp_path / "none.npy")
