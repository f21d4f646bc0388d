"""Pictures come back as they were, and nothing but 8-bit RGB of the asked size is decoded."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from egobench.errors import BadInputError
from egobench.files.png import read_png, read_pngs

SIZE = (12, 20)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def code_of(path, size=SIZE):
    with pytest.raises(BadInputError) as caught:
        read_png(path, size=size)
    assert "\n" not in str(caught.value)
    return caught.value.code


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_pictures_come_back(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_png(tmp_path / "a.png", size=SIZE), pixels)
    assert read_pngs([tmp_path / "a.png"] * 3, size=SIZE).shape == (3, *SIZE, 3)


def test_other_pictures_are_refused_by_code(tmp_path, pixels):
    path = tmp_path / "a.png"
    assert code_of(path) == "png-missing"
    path.write_bytes(b"")
    assert code_of(path) == "png-empty"
    for picture in (Image.fromarray(pixels[..., 0]), Image.new("RGBA", SIZE[::-1]), Image.new("I;16", SIZE[::-1])):
        picture.save(path)
        assert code_of(path) == "png-mode"
    Image.fromarray(pixels).save(path, save_all=True, append_images=[Image.fromarray(255 - pixels)])
    assert code_of(path) == "png-mode"
    Image.fromarray(pixels).save(path)
    assert code_of(path, (20, 12)) == "png-size"
    whole = path.read_bytes()
    for content in (whole[:200], whole[:30], b"GIF89a" + bytes(90), whole.replace(b"IDAT", b"IDAX")):
        path.write_bytes(content)
        assert code_of(path) == "png-unreadable"


def test_sixteen_bits_are_not_made_eight_in_silence(tmp_path):
    height, width = SIZE
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = zlib.compress(bytes(height * (1 + 6 * width)))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    assert code_of(tmp_path / "a.png") == "png-mode"


def test_a_bomb_in_a_text_and_an_absurd_size_are_refused(tmp_path, pixels):
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "x" * 2**25, zip=True)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=text)
    assert (tmp_path / "a.png").stat().st_size < 2**16
    assert code_of(tmp_path / "a.png") == "png-unreadable"
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999)))
    (tmp_path / "b.png").write_bytes(content + chunk(b"IEND", b""))
    assert code_of(tmp_path / "b.png") == "png-size"


def test_a_chunk_that_says_it_has_gigabytes_asks_for_no_more_than_there_is(tmp_path, pixels):
    import tracemalloc

    Image.fromarray(pixels).save(tmp_path / "a.png")
    whole = bytearray((tmp_path / "a.png").read_bytes())
    at = whole.index(b"IDAT")
    whole[at - 4 : at] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(whole)
    tracemalloc.start()
    try:
        assert code_of(tmp_path / "a.png") == "png-unreadable"
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_flipped_bit_anywhere_in_a_picture_is_noticed(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for place in range(8, len(whole) - 12, 7):  # the last chunk is empty
        (tmp_path / "a.png").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert code_of(tmp_path / "a.png") in ("png-unreadable", "png-size", "png-mode")
