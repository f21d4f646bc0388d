"""The report opens from disk: nothing outside its folder is asked for, and what it says is what the run says."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlparse

import pytest

from egobench.errors import BadInputError
from egobench.files.video import read_video
from egobench.pictures.report import make_report, worst_items
from egobench.store.tables import ItemRow, ScoreRow, read_items, read_scores

GOLDEN = Path(__file__).parents[2] / "golden" / "run-schema-1"


class Links(HTMLParser):
    """Every address a page asks for, and whether its tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "input", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(GOLDEN, tmp_path / "run"))


def test_the_pages_ask_for_nothing_but_files_beside_them(run):
    found = make_report(run, clips=4)
    assert found.index == run / "report" / "index.html"
    assert found.clips == ("toy-00/0",)
    pages = list((run / "report").rglob("*.html"))
    assert len(pages) == 2
    for page in pages:
        links = Links(page.read_text(encoding="utf-8"))
        assert not links.open
        for link in links.found:
            assert not urlparse(link).scheme
            assert (page.parent / link).is_file(), link
        assert not re.search(r"https?://|@import|url\(", page.read_text(encoding="utf-8"))
    assert not [path for path in run.iterdir() if path.name.startswith(".report")]


def test_the_first_page_says_what_the_run_says(run):
    text = make_report(run, clips=0).index.read_text(encoding="utf-8")
    document = json.loads((run / "metrics.json").read_text())
    for name, record in document["metrics"].items():
        assert name in text
        assert record["protocol"] in text
    assert "0.2481" in text
    assert "model-raised" in text, "failures are shown"
    cells = re.findall(r'data-value="([^"]*)"', text)
    values = [repr(row.value) for row in read_scores(run / "scores.parquet") if row.clip and row.value is not None]
    assert sorted(cell for cell in cells if cell) == sorted(values)


def test_a_video_of_the_report_plays_in_a_browser_and_shows_the_sample(run):
    import av

    make_report(run, clips=4)
    file = run / "report" / "media" / "toy-00-0.mp4"
    with av.open(str(file)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    shown, own = read_video(file).frames, read_video(run / "samples/toy-00/0/video.mp4").frames
    assert shown.shape == (9, 128, 256, 3)
    small = shown.reshape(9, 16, 8, 32, 8, 3).mean(axis=(2, 4))
    assert abs(small.mean() - own.mean()) < 4


def test_the_body_on_a_page_is_the_samples_own_in_centimetres(run):
    from egobench.files.motion import read_motion

    make_report(run, clips=4)
    text = (run / "report" / "clips" / "toy-00-0.html").read_text(encoding="utf-8")
    (body,) = json.loads(re.search(r"const bodies = (\[.*\]), seconds", text)[1])
    motion = read_motion(run / "samples/toy-00/0/motion.npz", fps=16, skeleton="xsens23")
    heights = [frame[1::2] for frame in body["frames"]]
    assert heights[3] == [round(100 * z) for z in motion.positions[3, :, 2]]
    assert body["frames"][0][0] == 0, "the picture starts where the body does"
    assert len(body["parents"]) == 23


def test_what_a_caption_or_a_reason_holds_is_text_and_not_markup(run):
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["model"]["settings"]["note"] = "</dd><script>alert(1)</script>"
    (run / "manifest.json").write_text(json.dumps(manifest))
    text = make_report(run, clips=0).index.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_an_older_report_is_replaced_and_anything_else_is_not(run, tmp_path):
    make_report(run, clips=4)
    assert not make_report(run, clips=0).clips
    assert not list((run / "report" / "clips").iterdir())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(BadInputError, match="is no older report") as caught:
        make_report(run, tmp_path / "mine")
    assert caught.value.code == "report-folder"
    assert (tmp_path / "mine" / "notes.txt").is_file()
    with pytest.raises(BadInputError, match="at least 0"):
        make_report(run, clips=-1)


def test_a_split_that_is_not_here_and_a_sample_that_is_gone_are_said(run):
    found = make_report(run)
    assert any("references are not shown" in line for line in found.notes)
    assert any("toy-00/1" in line for line in found.notes), "the fixture has one sample of four"


def test_the_worst_items_come_first_whichever_way_is_better():
    common = {"status": "ok", "code": "", "reason": "", "attempts": 1, "seconds": 0, "video": "v", "motion": ""}
    info = {"clip_digest": "", "sequence": "", "participant": "", "stratum": ""}
    items = [ItemRow(clip=name, seed=0, **common, **info) for name in "abc"]
    scores = [ScoreRow(name, 0, "low", value, "ok", "") for name, value in zip("abc", (1.0, 3.0, 2.0), strict=True)]
    scores += [ScoreRow(name, 0, "high", value, "ok", "") for name, value in zip("abc", (9.0, 1.0, 5.0), strict=True)]
    document = {"metrics": {"low": {"better": "lower"}, "high": {"better": "higher"}}}
    assert [item.clip for item in worst_items(document, items, scores)] == ["b", "c", "a"]
    assert len(read_items(GOLDEN / "items.parquet")) == 6
