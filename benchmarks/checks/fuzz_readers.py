"""Tests every reader of untrusted files with damaged ones: mp4, png, npz, npy, SMPL parameters, submission.toml.

    python benchmarks/checks/fuzz_readers.py --inputs 100000 [--targets mp4,png] [--seed 0] [--keep fuzz-finds]

An input is a valid file after one to eight mutations: bits, bytes, integers at their limits, pieces cut, doubled,
swapped or zeroed. In half of the cases they are inside the container, whose checksums are then corrected, so that
deeper layers are reached. Input `i` of a target depends only on the seed and `i`.

Reading may end in two ways: `BadInputError` with a documented code, or valid content (finite, of the required form).
Any other exception or warning, a crash, more than a gigabyte of additional memory, or more than ten seconds of
processor time is a find. It is printed, its file is kept, and the exit code is 1.
"""

import argparse
import io
import json
import mmap
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import pack_npz, read_npy, read_npz
from egobench.files.motion import read_motion
from egobench.files.png import read_png
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import HUMANML3D22, XSENS23, forward_kinematics
from egobench.motions.humanml3d import encode
from egobench.motions.smpl_parameters import read_parameters
from egobench.submissions.codes import CODES
from egobench.submissions.description import read_description
from egobench.submissions.form import Form
from egobench.submissions.read_motion import read_submitted_motion
from egobench.types import Motion

MEMORY_BYTES, CPU_SECONDS, STUCK_SECONDS = 2**30, 10.0, 300.0
BATCH, HARNESS = 500, 3
FRAMES, SIZE, POSES = 5, (16, 24), 9
FORM = Form(FRAMES, 8.0, POSES, 16.0, SIZE[1], SIZE[0], "xsens23", np.eye(3), np.eye(4))
HUMAN_FORM = Form(FRAMES, 8.0, POSES, 20.0, SIZE[1], SIZE[0], "humanml3d22", None, None)
LIMITS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
SHARES = {"toml": 2, "png": 3, "npz": 4, "npy": 2, "motion": 4, "own-motion": 1, "smpl": 1, "humanml3d": 2, "mp4": 4}
"""Share of the inputs of each target."""
OWN_CODES = frozenset(CODES) | {"npz-missing", "npy-missing", "video-missing", "png-missing"}


@dataclass
class Counts:
    """Outcomes of a target's inputs."""

    outcomes: Counter = field(default_factory=Counter)
    """`read`, or a code."""
    finds: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    """Largest resident memory of a process in addition to that at its start."""


# --- valid files ----------------------------------------------------------------------------------------------------


def _body(skeleton: Any, fps: float) -> Motion:
    """A standing person of 1.7 m who sways a little."""
    rng = np.random.default_rng(0)
    offsets = np.zeros((len(skeleton), 3))
    for index, joint in enumerate(skeleton.joints[1:], start=1):
        side, _, part = joint.partition("_")
        sign = {"left": 1, "right": -1}.get(side, 0)
        if not sign:
            offsets[index] = 0, 0, 0.12
        elif part in ("lower_leg", "foot"):
            offsets[index] = 0, 0, -0.42
        elif part in ("toe", "midfoot"):
            offsets[index] = 0.14, 0, -0.05
        else:
            offsets[index] = 0, 0.15 * sign, 0
    from scipy.spatial.transform import Rotation

    angles = 0.1 * np.sin(np.arange(POSES + 1)[:, None, None] / 3 + rng.uniform(0, 6, (len(skeleton), 3)))
    turns = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(POSES + 1, -1, 3, 3)
    root = np.stack([np.arange(POSES + 1) * 0.05, np.zeros(POSES + 1), np.full(POSES + 1, 0.95)], axis=1)
    return Motion(forward_kinematics(skeleton, offsets, root, turns), turns, fps, skeleton.name)


def _own_arrays() -> list[dict[str, np.ndarray]]:
    from scipy.spatial.transform import Rotation

    body = _body(XSENS23, 16.0)
    positions, rotations = body.positions[:POSES], body.rotations[:POSES]
    quaternions = np.roll(Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat(), 1, axis=-1)
    camera = np.tile(np.eye(4), (POSES, 1, 1))
    return [
        {"positions": positions, "rotations": rotations, "camera": camera, "intrinsics": np.eye(3)},
        {"positions": positions.astype(np.float32), "rotations": quaternions.reshape(POSES, -1, 4).astype(np.float32)},
    ]


def _videos() -> list[bytes]:
    rng = np.random.default_rng(0)
    ramp = (
        np.add.outer(np.arange(SIZE[0]), np.arange(SIZE[1]))[None, :, :, None]
        + 9 * np.arange(FRAMES)[:, None, None, None]
    )
    frames = np.broadcast_to(5 * ramp % 256, (FRAMES, *SIZE, 3)).astype(np.uint8)
    noisy = rng.integers(0, 256, frames.shape, dtype=np.uint8)
    videos = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.mp4"
        for pixels, options in (
            (frames, {}),
            (noisy, {}),
            (frames, {"lossless": False}),
            (frames, {"lossless": False, "faststart": False}),
        ):
            write_video(path, pixels, 8, **options)
            videos.append(path.read_bytes())
        videos += [_encoded(frames, "matroska", "libx264"), _encoded(frames, "avi", "mpeg4")]
    return videos


def _encoded(frames: np.ndarray, container: str, codec: str) -> bytes:
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as out:
        video: Any = out.add_stream(codec, rate=8)
        video.width, video.height, video.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for pixels in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        out.mux(video.encode())
    return stream.getvalue()


def _pictures() -> list[bytes]:
    from PIL import Image, PngImagePlugin

    pictures = []
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    text = PngImagePlugin.PngInfo()
    text.add_text("note", "x" * 300, zip=True)
    for picture, options in (
        (Image.fromarray(pixels), {}),
        (Image.fromarray(pixels), {"pnginfo": text, "icc_profile": bytes(200)}),
        (Image.fromarray(pixels[..., 0]), {}),
        (Image.fromarray(pixels).quantize(16), {}),
    ):
        stream = io.BytesIO()
        picture.save(stream, "PNG", **options)
        pictures.append(stream.getvalue())
    return pictures


TOML = b"""schema = 1
model = "mine"
split = "egomini-test"
task = "t2vm"
fps_video = 8
fps_motion = 16.0
skeleton = "xsens23"
seeds = [0, 1, 7]
parts = ["video", "motion"]
notes = "what a reader should know"
"""


def _smpl() -> list[bytes]:
    rng = np.random.default_rng(0)
    poses = rng.normal(0, 0.1, (POSES, 72))
    return [
        pack_npz(
            {"poses": poses, "trans": np.zeros((POSES, 3)), "betas": np.zeros(10), "mocap_framerate": np.array(16.0)}
        ),
        pack_npz({"global_orient": poses[:, :3], "body_pose": poses[:, 3:], "transl": np.zeros((POSES, 3))}),
    ]


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


# --- readers: each returns nothing if what it read is sound, and raises AssertionError if not ------------------------


def _sound(motion: Motion, form: Form) -> None:
    assert motion.positions.shape[0] == form.num_motion_frames
    assert np.isfinite(motion.positions).all()
    assert np.isfinite(motion.rotations).all()
    assert np.abs(motion.rotations).max() <= 1.01
    assert 0.01 < np.ptp(motion.positions[0]) < 1e5


def _read_mp4(path: Path) -> None:
    video = read_video(path, fps=8, frames=FRAMES, max_pixels=2**22, size=SIZE)
    assert video.frames.shape == (FRAMES, *SIZE, 3)
    assert video.frames.dtype == np.uint8


def _read_png(path: Path) -> None:
    pixels = read_png(path, size=SIZE)
    assert pixels.shape == (*SIZE, 3)
    assert pixels.dtype == np.uint8


def _read_npz(path: Path) -> None:
    for array in read_npz(path, max_bytes=2**22).values():
        assert array.dtype.kind in "biufcSU"
        assert array.nbytes <= 2**22


def _read_npy(path: Path) -> None:
    assert read_npy(path, max_bytes=2**22).nbytes <= 2**22


def _read_motion(path: Path) -> None:
    _sound(read_submitted_motion(path, FORM)[0], FORM)


def _read_own(path: Path) -> None:
    motion = read_motion(path, fps=16, skeleton="xsens23")
    assert motion.positions.ndim == 3
    assert motion.rotations.shape[2:] == (3, 3)


def _read_humanml3d(path: Path) -> None:
    _sound(read_submitted_motion(path, HUMAN_FORM)[0], HUMAN_FORM)


def _read_smpl(path: Path) -> None:
    given = read_parameters(path, max_bytes=2**22)
    assert np.isfinite(given.turns).all()
    assert given.shift.shape == (len(given.turns), 3)


def _read_toml(path: Path) -> None:
    description, findings = read_description(path)
    assert (description is None) == bool(findings)
    for each in findings:
        assert each.line().isprintable()
    if findings:
        raise BadInputError(findings[0].found, code=findings[0].code)
    assert description is not None
    assert json.dumps(description.as_json(), allow_nan=False)


@dataclass(frozen=True)
class Target:
    """A reader and valid files for it."""

    suffix: str
    seeds: list[bytes]
    read: Callable[[Path], None]


def targets() -> dict[str, Target]:
    """All readers."""
    own = [pack_npz(arrays) for arrays in _own_arrays()]
    plain = [pack_npz(arrays, compress=False) for arrays in _own_arrays()]
    vectors = encode(_body(HUMANML3D22, 20.0))
    return {
        "mp4": Target(".mp4", _videos(), _read_mp4),
        "png": Target(".png", _pictures(), _read_png),
        "npz": Target(".npz", [*own, *plain, *_smpl()], _read_npz),
        "npy": Target(".npy", [_npy(vectors), _npy(np.asfortranarray(vectors[:2])), _npy(np.arange(3))], _read_npy),
        "motion": Target(".npz", [*own, *plain], _read_motion),
        "own-motion": Target(".npz", [*own, *plain], _read_own),
        "smpl": Target(".npz", _smpl(), _read_smpl),
        "humanml3d": Target(".npy", [_npy(vectors), _npy(vectors.astype(np.float32))], _read_humanml3d),
        "toml": Target(".toml", [TOML, TOML.replace(b"[0, 1, 7]", b"1")], _read_toml),
    }


# --- blows ----------------------------------------------------------------------------------------------------------


def mutated(target: Target, rng: np.random.Generator) -> bytes:
    """One input: a valid file with mutations."""
    content = target.seeds[rng.integers(len(target.seeds))]
    deep = {".npz": _inside_zip, ".png": _inside_png, ".toml": _lines}.get(target.suffix)
    if deep is not None and rng.random() < 0.5:
        return deep(content, rng)
    other = target.seeds[rng.integers(len(target.seeds))]
    return _mutations(content, other, rng)


def _mutations(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(min(rng.geometric(0.4), 8))):
        changed = _mutate(changed, other, rng)
    return bytes(changed)


def _mutate(data: bytearray, other: bytes, rng: np.random.Generator) -> bytearray:
    size = len(data)
    if size == 0:
        return bytearray(rng.bytes(int(rng.integers(64))))
    at = int(rng.integers(min(size, 400) if rng.random() < 0.4 else size))  # headers are worth more blows
    length = int(min(rng.geometric(0.05), size - at))
    match int(rng.integers(10)):
        case 0:
            data[at] ^= 1 << int(rng.integers(8))
        case 1:
            data[at] = int(rng.integers(256))
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = data[at : at + length]
        case 4:
            data[at:at] = rng.bytes(length)
        case 5:
            data[at : at + length] = bytes(length)
        case 6:
            del data[at:]
        case 7:
            width, order = int(rng.choice([1, 2, 4, 8])), str(rng.choice(["big", "little"]))
            value = LIMITS[rng.integers(len(LIMITS))] % 256**width
            data[at : at + width] = value.to_bytes(width, order)  # pyright: ignore[reportArgumentType]
        case 8:
            start = int(rng.integers(max(len(other), 1)))
            data[at : at + length] = other[start : start + length]
        case _:
            data[at : at + length] = rng.bytes(length)
    return data


def _inside_zip(content: bytes, rng: np.random.Generator) -> bytes:
    """Mutations of an entry or its name; the zip around it is valid."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    place = int(rng.integers(len(entries)))
    name, body = entries[place]
    match int(rng.integers(6)):
        case 0:
            entries[place] = str(rng.choice(["x", "../a.npy", "a/b.npy", "\n.npy", "positions.npy", ".npy"])), body
        case 1:
            entries.append((name, body))
        case 2:
            del entries[place]
        case 3:
            entries[place] = name, _numbers(body, rng)
        case _:
            entries[place] = name, _mutations(body, entries[rng.integers(len(entries))][1], rng)
    stream = io.BytesIO()
    method = int(
        rng.choice(
            [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], p=[0.45, 0.45, 0.05, 0.05]
        )
    )
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")
        for each, data in entries:
            archive.writestr(each, data)
    return stream.getvalue()


def _numbers(body: bytes, rng: np.random.Generator) -> bytes:
    """The array with other numbers, another form or another type."""
    array = np.load(io.BytesIO(body))
    match int(rng.integers(8)):
        case 0:
            array = array * float(rng.choice([0, -1, 1e-3, 1e3, 1e30, 1e300, np.nan, np.inf]))
        case 1:
            array = array.astype(rng.choice(["<f2", ">f8", "<i4", "?", "<c8", "S8", "<U4"]))
        case 2 if array.ndim:
            array = array[: int(rng.integers(len(array) + 1))]
        case 3 if array.ndim > 1:
            array = np.moveaxis(array, 0, -1)
        case 4 if array.size:
            array = array.copy()
            array.reshape(-1)[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf, 1e9, 1e300])
        case 5:
            array = array.reshape(-1)
        case 6 if array.ndim:
            array = np.repeat(array, int(rng.integers(4)), axis=int(rng.integers(array.ndim)))
        case _:
            array = array + rng.normal(0, 0.3, array.shape)
    return _npy(array)


def _inside_png(content: bytes, rng: np.random.Generator) -> bytes:
    """Mutations of chunks; their lengths and checksums are right."""
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    place = int(rng.integers(len(chunks)))
    kind, body = chunks[place]
    match int(rng.integers(6)):
        case 0:
            chunks.insert(int(rng.integers(len(chunks) + 1)), (kind, body))
        case 1:
            del chunks[place]
        case 2:
            kinds = [
                b"IHDR",
                b"PLTE",
                b"IDAT",
                b"IEND",
                b"tRNS",
                b"zTXt",
                b"iTXt",
                b"iCCP",
                b"acTL",
                b"fcTL",
                b"fdAT",
                b"eXIf",
            ]
            chunks[place] = kinds[rng.integers(len(kinds))], body
        case 3:
            chunks[place] = b"IDAT", zlib.compress(rng.bytes(int(rng.integers(1, 4000))))
        case _:
            chunks[place] = kind, _mutations(body, content, rng)
    parts = [content[:8]]
    for kind, body in chunks:
        parts += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))]
    return b"".join(parts)


def _lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Other values behind the keys, other keys, doubled and lost lines."""
    values = [
        *(b"0", b"-1", b"nan", b"-inf", b"1e400", b"9" * 5000, b"true", b'""', b'"\\u202e"', b"[]", b"[[[]]]", b"{}"),
        *(
            b"1979-05-27T07:32:00Z",
            b'"../../x"',
            b"[0, 0]",
            b"[true]",
            b"[1.5]",
            b'["video"]',
            b"0x7fffffffffffffff",
            b"2",
        ),
        *(b"'''a\nb'''", b"{ a = 1 }", b"[" * 900 + b"]" * 900, '"\u0430\u200b"'.encode()),
    ]
    lines = content.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(lines)))
        key = lines[place].partition(b"=")[0]
        match int(rng.integers(4)):
            case 0:
                lines.insert(place, lines[rng.integers(len(lines))])
            case 1:
                lines[place] = b""
            case 2:
                lines[place] = lines[place].replace(key, _mutations(key, content, rng))
            case _:
                lines[place] = key + b"= " + values[rng.integers(len(values))]
    return b"\n".join(lines)


# --- the run --------------------------------------------------------------------------------------------------------


def one(target: Target, content: bytes, path: Path) -> str:
    """Outcome of one input: `read`, a code, or `FIND …`."""
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.read(path)
    except BadInputError as error:
        return error.code if error.code in OWN_CODES or target.read is _read_own else f"FIND unknown code {error.code}"
    except Exception as error:
        return f"FIND {type(error).__name__}: {' '.join(str(error).split())[:150]}"
    return "read"


def inputs(target: Target, name: str, seed: int, numbers: range) -> Iterator[tuple[int, bytes]]:
    """Numbered inputs; each depends on the target's name, the seed and its number alone."""
    for number in numbers:
        with np.errstate(all="ignore"):
            content = mutated(target, np.random.default_rng([seed, *name.encode(), number]))
        yield number, content


def fuzz(name: str, target: Target, seed: int, count: int, keep: Path) -> Counts:
    """Runs `count` inputs in child processes."""
    counts, number = Counts(), 0
    began = last_report = time.monotonic()
    while number < count:
        number = _batch(name, target, seed, range(number, min(number + BATCH, count)), keep, counts)
        if time.monotonic() - last_report > 30:
            last_report = time.monotonic()
            print(
                f"{name}: {number}/{count}, {number / (last_report - began):.0f}/s, {len(counts.finds)} finds",
                file=sys.stderr,
                flush=True,
            )
    return counts


def _batch(name: str, target: Target, seed: int, numbers: range, keep: Path, counts: Counts) -> int:
    """One child over some inputs; returns the number of the next input."""
    shared = mmap.mmap(-1, 8)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = HARNESS
        try:
            code = _child(name, target, seed, numbers, shared, writing)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    status = _wait(child, shared)
    with os.fdopen(reading, "rb") as stream:
        reports = [json.loads(line) for line in stream.read().splitlines() if line.endswith(b"}")]
    for each in reports:
        if "peak" in each:
            counts.peak_bytes = max(counts.peak_bytes, each["peak"])
            continue
        counts.outcomes[each["outcome"].split(":")[0] if each["outcome"].startswith("FIND") else each["outcome"]] += 1
        if each["outcome"].startswith("FIND"):
            _keep(name, target, seed, each["number"], each["outcome"], keep, counts)
    if status == 0:
        return numbers.stop
    if status == HARNESS:
        raise RuntimeError("the harness itself fell over; see above")
    (last,) = struct.unpack("<q", shared[:8])
    text = "FIND stuck" if status == "stuck" else f"FIND child ended with {status}"
    counts.outcomes[text] += 1
    _keep(name, target, seed, last, text, keep, counts)
    return last + 1


def _child(name: str, target: Target, seed: int, numbers: range, shared: mmap.mmap, writing: int) -> int:
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES,) * 2)

    def late(*_: Any) -> None:
        raise TimeoutError(f"more than {CPU_SECONDS:g} s")

    signal.signal(signal.SIGPROF, late)
    with tempfile.TemporaryDirectory() as folder, os.fdopen(writing, "w") as out:
        path = Path(folder) / f"input{target.suffix}"
        for number, content in inputs(target, name, seed, numbers):
            shared[:8] = struct.pack("<q", number)
            out.flush()
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            outcome = one(target, content, path)
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps({"number": number, "outcome": outcome}), file=out)
        peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
        print(json.dumps({"peak": peak}), file=out)
    return 0


def _wait(child: int, shared: mmap.mmap) -> int | str:
    """Exit status of the child, or `stuck` if it was killed since one input took too long."""
    last, since = shared[:8], time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if shared[:8] != last:
            last, since = shared[:8], time.monotonic()
        if time.monotonic() - since > STUCK_SECONDS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "stuck"
        time.sleep(0.02)


def _keep(name: str, target: Target, seed: int, number: int, text: str, keep: Path, counts: Counts) -> None:
    ((_, content),) = inputs(target, name, seed, range(number, number + 1))
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"{name}-{seed}-{number}{target.suffix}"
    path.write_bytes(content)
    counts.finds.append(f"{path}: {text}")
    print(f"{name} {number}: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Runs all targets and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="in all; shared out among the targets")
    parser.add_argument("--targets", default="", help="names with commas between; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-finds"), help="folder for the files of finds")
    options = parser.parse_args()
    known = targets()
    names = options.targets.split(",") if options.targets else list(known)
    total = sum(SHARES[name] for name in names)
    finds: list[str] = []
    print(f"{'target':<12} {'inputs':>7} {'read':>7} {'refused':>8} {'codes':>6} {'finds':>6} {'peak MiB':>9} {'s':>6}")
    for name in names:
        began = time.monotonic()
        count = -(-options.inputs * SHARES[name] // total)
        counts = fuzz(name, known[name], options.seed, count, options.keep)
        codes = {
            code: number for code, number in counts.outcomes.items() if code != "read" and not code.startswith("FIND")
        }
        row = (name, count, counts.outcomes["read"], sum(codes.values()), len(codes), len(counts.finds))
        seconds = time.monotonic() - began
        print(
            "{:<12} {:>7} {:>7} {:>8} {:>6} {:>6} {:>9.0f} {:>6.0f}".format(*row, counts.peak_bytes / 2**20, seconds),
            flush=True,
        )
        print(
            "  " + ", ".join(f"{code} {number}" for code, number in sorted(codes.items(), key=lambda each: -each[1])),
            flush=True,
        )
        finds += counts.finds
    print("\n".join(finds) or "no finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
