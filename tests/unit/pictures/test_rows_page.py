"""The page that plays: every frame is in it bit by bit, it asks for nothing, and it keeps its size."""

import base64
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from test_report import Links

from egobench.pictures.rows_page import LARGEST_SIDE, MAX_BYTES, SPRITE_WIDTH, RowsPage, sprite
from egobench.pictures.rows_sheet import ShownRow
from egobench.types import Camera, Clip, ClipInfo, Condition, Motion, Reference, Sample, Video

STUBS = """
const drawn = [], elements = {}; let next = null, key = null;
const element = id => ({ id, value: id === "speed" ? "1" : "0", textContent: "", on: {},
  addEventListener(name, call) { this.on[name] = call; } });
const canvas = number => ({ dataset: { sprite: String(number) }, getContext: () => ({
  drawImage: (...all) => drawn.push(all[1] + "," + all[2]) }) });
global.document = { getElementById: id => elements[id] ??= element(id),
  querySelectorAll: () => [canvas(0), canvas(1)], addEventListener: (name, call) => { key = call; },
  documentElement: { style: { setProperty() {} } } };
global.Image = class { complete = true; }; global.requestAnimationFrame = call => { next = call; };
"""
ACTIONS = """
const said = []; const say = () => said.push([elements.play.textContent, elements.time.textContent, drawn.slice(-2)]);
say(); elements.play.on.click(); next(0); next(250); say();
elements.place.value = "8"; elements.place.on.input(); say();
key({ key: "ArrowRight", target: { tagName: "BODY" } }); say();
console.log(JSON.stringify(said));
"""


def random_video(frames=9, height=16, width=32, seed=0):
    return Video(np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8), 8.0)


def pixels(address):
    """RGB pixels behind a `data:` address."""
    kind, _, data = address.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.fixture
def clip(standing):
    motion, video = standing(frames=17), random_video()
    info = ClipInfo("toy-00", "s0", "p0", "</p><script>alert(1)</script> walk", "walk", "0" * 16)
    pose = Motion(motion.positions[:1], motion.rotations[:1], 16.0)
    camera = Camera(np.eye(3), 32, 16, np.eye(4))
    condition = Condition("toy-00", "toy", info.text, video.frames[0], pose, camera, 9, 8.0, 17, 16.0)
    return Clip(info, condition, Reference(video, motion))


@pytest.fixture
def page(clip):
    made = RowsPage("Toys: the same clips", 8.0)
    made.add(
        clip, [ShownRow("A", "#c55a11", Sample(random_video(seed=1), None)), ShownRow("B", "#0b7a75", "failed: x")]
    )
    return made


def test_a_sprite_holds_every_frame_bit_by_bit():
    video = random_video()
    made = sprite(video)
    sheet = pixels(made.data)
    assert (made.frames, made.columns, made.width, made.height) == (9, 9, 32, 16)
    np.testing.assert_array_equal(sheet.reshape(16, 9, 32, 3).transpose(1, 0, 2, 3), video.frames)


def test_a_long_video_goes_on_in_the_next_line_and_large_frames_are_made_smaller():
    long = sprite(random_video(frames=300))
    assert long.columns == SPRITE_WIDTH // 32 == 256
    assert pixels(long.data).shape == (32, SPRITE_WIDTH, 3)
    large = sprite(random_video(frames=2, height=200, width=400))
    assert (large.width, large.height) == (LARGEST_SIDE, LARGEST_SIDE // 2)


def test_the_page_asks_for_nothing_and_what_a_caption_holds_is_text(page, tmp_path):
    assert page.write(tmp_path / "rows.html", ["All 1 clips."]) == ""
    text = (tmp_path / "rows.html").read_text(encoding="utf-8")
    links = Links(text)
    assert not links.open
    assert not links.found
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttp|<link|src=", text)
    assert "<script>alert" not in text
    assert "failed: x" in text
    (sprites,) = re.findall(r"const sprites = (\[.*?\]), frames = 9, fps = 8.0;", text)
    assert [each["frames"] for each in json.loads(sprites)] == [9, 9]


def test_equal_videos_give_equal_bytes(page, tmp_path):
    for name in ("a", "b"):
        page.write(tmp_path / f"{name}.html", [])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_as_many_clips_are_taken_as_the_size_allows_evenly_spread(page, clip, tmp_path):
    for _ in range(7):
        page.add(clip, [])
    sizes = [each.size for each in page.clips]
    assert len(page.fitting()) == 8
    assert page.fitting(sum(sizes[place] for place in (0, 2, 5)) + 20_000) == [page.clips[place] for place in (0, 2, 5)]
    assert page.fitting(1000) == []


def test_a_page_that_cannot_hold_one_clip_is_not_written_and_an_older_one_goes(page, tmp_path, monkeypatch):
    monkeypatch.setattr("egobench.pictures.rows_page.RowsPage.fitting", lambda self: [])
    (tmp_path / "rows.html").write_text("older")
    assert "rows.html is not written" in page.write(tmp_path / "rows.html", [])
    assert not (tmp_path / "rows.html").exists()
    assert MAX_BYTES == 10_000_000


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_all_videos_play_in_step_stop_at_the_slider_and_go_round(page, tmp_path):
    page.write(tmp_path / "rows.html", [])
    (script,) = re.findall(r"<script>\n(.*)</script>", (tmp_path / "rows.html").read_text(), re.DOTALL)
    (tmp_path / "page.js").write_text(STUBS + script + ACTIONS)
    done = subprocess.run(["node", tmp_path / "page.js"], capture_output=True, text=True, check=True)
    first, played, slid, around = json.loads(done.stdout)
    assert first[1:] == ["0.00 s of 1.00", ["0,0", "0,0"]]
    assert played == ["pause all", "0.25 s of 1.00", ["64,0", "64,0"]]
    assert slid == ["play all", "1.00 s of 1.00", ["256,0", "256,0"]]
    assert around[1] == "0.00 s of 1.00"
