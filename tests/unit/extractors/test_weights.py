"""Weight files: what is admitted into the folder, how it is fetched, and that nothing wrong is ever left there."""

import errno
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from egobench.catalog import EXTRACTORS
from egobench.errors import BadInputError, StorageError, UnknownNameError
from egobench.extractors import weights_pull
from egobench.extractors.weights_manifest import WeightFile, read_manifest, weight_file
from egobench.extractors.weights_store import TRUSTED, add, checked, find_entry, pin_of, place_of, require, status_of
from egobench.files.digest import digest_bytes

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = CONTENT[:-1] + b"?"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path) -> Path:
    """A weights folder that does not exist yet."""
    monkeypatch.setenv("EGOBENCH_WEIGHTS", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "downloaded.bin"
    path.write_bytes(CONTENT)
    return path


def entry(*urls: str, verified: bool = True, **changes) -> WeightFile:
    known = {"bytes": len(CONTENT), "sha256": digest_bytes(CONTENT)} | changes
    return WeightFile(
        "toy", "toy.bin", urls or ("https://example.org/toy.bin",), "none", ("a test",), verified, **known
    )


def refusal(call, *arguments, **options) -> str:
    """Code of the refusal; the message is one line."""
    with pytest.raises(BadInputError) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)
    return error.value.code


def files(home) -> list[str]:
    return sorted(path.name for path in home.iterdir() if not path.name.endswith(".lock")) if home.exists() else []


def test_the_manifest_names_every_preset_once_and_every_preset_its_file():
    manifest = read_manifest()
    presets = {name: EXTRACTORS.load(name) for name in EXTRACTORS.names()}
    wanted = {name: kind.weights for name, kind in presets.items() if isinstance(getattr(kind, "weights", None), str)}
    assert {name: entry.id for entry in manifest.values() for name in entry.used_by} == wanted
    for each in manifest.values():
        assert all(url.startswith("https://") for url in each.urls)
        assert "/resolve/main/" not in " ".join(each.urls), "an unpinned revision"


def test_an_unknown_id_and_a_damaged_manifest_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'clip-vit-b-32-openai'"):
        weight_file("clip-vit-b-32")
    path = tmp_path / "weights.toml"
    bad = [
        "not toml [",
        "[a]\nfile = 'x'",
        "[a]\nfile = '../x'\nurls = []\nused_by = []\nlicence = ''\nverified = false",
    ]
    bad.append("[a]\nfile = 'x'\nurls = []\nused_by = []\nlicence = ''\nverified = true")
    for text in bad:
        path.write_text(text, encoding="utf-8")
        assert refusal(read_manifest, str(path)) == "manifest-damaged"


def test_a_right_file_is_added_under_any_name(file, home):
    assert status_of(entry(), content=True) == "missing"
    assert add(file, entry()) == digest_bytes(CONTENT)
    assert files(home) == ["toy.bin"]
    assert checked(entry()).read_bytes() == CONTENT
    assert status_of(entry(), content=True) == "ok"
    assert add(place_of(entry()), entry()) == digest_bytes(CONTENT)


def test_a_missing_file_is_one_line_that_says_which_and_where(home):
    with pytest.raises(BadInputError) as error:
        require(entry())
    text = str(error.value)
    for part in (digest_bytes(CONTENT), "300000 bytes", str(home), "https://example.org/toy.bin", "a test"):
        assert part in text
    assert "egobench weights pull toy" in text
    assert "egobench weights add" in text


def test_cut_and_changed_files_are_refused_and_leave_nothing(file, home):
    for content, code in ((CONTENT[:1000], "weights-truncated"), (OTHER, "weights-other")):
        file.write_bytes(content)
        assert refusal(add, file, entry()) == code
        assert refusal(add, file, entry(), trust=True) == code, "what the publisher states cannot be overruled"
    assert refusal(add, file.with_name("nothing"), entry()) == "file-missing"
    assert files(home) == []


def test_a_wrong_file_of_the_right_name_is_refused_when_it_is_used(file):
    add(file, entry())
    place_of(entry()).write_bytes(CONTENT[:28])
    assert refusal(require, entry()) == "weights-truncated"
    assert status_of(entry(), content=False) == "wrong-size"
    place_of(entry()).write_bytes(OTHER)
    assert require(entry()).sha256 == digest_bytes(CONTENT), "size alone does not tell"
    assert refusal(checked, entry()) == "weights-other"
    assert status_of(entry(), content=True) == "wrong-hash"


def test_what_nobody_states_needs_trust_which_is_recorded_and_named(file, home):
    unknown = entry(verified=False, sha256=None, bytes=None)
    assert refusal(add, file, unknown) == "weights-unknown"
    assert files(home) == []
    add(file, unknown, trust=True)
    assert files(home) == ["toy.bin", TRUSTED]
    assert require(unknown) == pin_of(unknown)
    assert pin_of(unknown).sha256 == digest_bytes(CONTENT)
    assert status_of(unknown, content=True) == "trusted"


def test_trust_moves_an_unverified_pin_and_the_right_file_moves_it_back(file):
    stated = entry(verified=False, bytes=None)
    file.write_bytes(OTHER)
    assert refusal(add, file, stated) == "weights-unknown"
    add(file, stated, trust=True)
    assert require(stated).sha256 == digest_bytes(OTHER)
    file.write_bytes(CONTENT)
    add(file, stated)
    assert require(stated).sha256 == digest_bytes(CONTENT)
    assert status_of(stated, content=True) == "ok"


def test_a_damaged_trust_record_is_refused(home):
    home.mkdir()
    (home / TRUSTED).write_text('{"toy": 3}', encoding="utf-8")
    assert refusal(pin_of, entry(verified=False)) == "trust-damaged"


def test_a_local_file_is_found_by_sha256_then_by_name(tmp_path):
    path = tmp_path / "ViT-B-32.pt"
    path.write_bytes(b"x")
    assert find_entry(path, None).id == "clip-vit-b-32-openai"
    assert find_entry(path, "clip-vit-l-14-openai").id == "clip-vit-l-14-openai"
    assert refusal(find_entry, path.rename(tmp_path / "my.pt"), None) == "weights-unlisted"


class Server(BaseHTTPRequestHandler):
    """Answers by path: `right`, `other`, `cut` (breaks off), `short` (another size), `resume` (honours Range)."""

    asked: list[tuple[str, str | None]]

    def do_GET(self):
        kind = self.path.strip("/")
        wanted = self.headers.get("Range")
        self.asked.append((kind, wanted))
        body = {"other": OTHER, "short": CONTENT[:99]}.get(kind, CONTENT)
        if kind == "absent":
            return self.send_error(404)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and kind == "resume" else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : 200_000 if kind == "cut" else None])
        return None

    def log_message(self, *_):
        """Silence."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


def test_a_file_is_fetched_and_a_right_one_is_left_alone(server, home):
    seen = []
    path = weights_pull.pull(entry(f"{server}/right"), lambda here, total: seen.append((here, total)))
    assert path.read_bytes() == CONTENT
    assert files(home) == ["toy.bin"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    weights_pull.pull(entry(f"{server}/right"))
    assert len(Server.asked) == 1


def test_a_bad_url_is_passed_over_for_a_good_one(server, home):
    weights_pull.pull(entry(f"{server}/absent", f"{server}/short", f"{server}/other", f"{server}/right"))
    assert files(home) == ["toy.bin"]
    assert [kind for kind, _ in Server.asked] == ["absent", "short", "other", "right"]


def test_an_interrupted_fetch_goes_on_where_it_stopped(server, home):
    whole = entry(f"{server}/cut")
    assert refusal(weights_pull.pull, whole) == "weights-pull"
    assert files(home) == [".toy.bin.pull.part"]
    path = weights_pull.pull(entry(f"{server}/resume"))
    assert path.read_bytes() == CONTENT
    assert Server.asked[-1] == ("resume", "bytes=200000-")
    assert files(home) == ["toy.bin"]


def test_a_server_that_cannot_go_on_in_the_middle_starts_again(server, home):
    home.mkdir()
    (home / ".toy.bin.pull.part").write_bytes(CONTENT[:1000])
    assert weights_pull.pull(entry(f"{server}/right", bytes=None)).read_bytes() == CONTENT


def test_when_no_url_gives_the_file_the_line_says_why_each_and_nothing_is_left(server, home):
    with pytest.raises(BadInputError) as error:
        weights_pull.pull(entry(f"{server}/absent", f"{server}/other"))
    assert error.value.code == "weights-pull"
    assert "404" in str(error.value)
    assert digest_bytes(OTHER) in str(error.value)
    assert "\n" not in str(error.value)
    assert files(home) == []


def test_a_full_disk_ends_the_fetch_as_a_storage_error(server, home, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left on device")

    home.mkdir()
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError, match="the disk is full"):
        weights_pull.pull(entry(f"{server}/right"))


def test_a_file_without_a_known_sha256_is_not_fetched(server):
    unknown = entry(f"{server}/right", verified=False, sha256=None)
    assert refusal(weights_pull.pull, unknown) == "weights-unknown"
    assert Server.asked == []


def test_two_at_once_fetch_once(server, home):
    threads = [threading.Thread(target=weights_pull.pull, args=(entry(f"{server}/right"),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(home) == ["toy.bin"]
    assert len(Server.asked) == 1
