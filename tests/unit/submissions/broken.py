"""Ways to break a valid submission, one a line: what is done, the code that must be found, and for which clip.

`CLIP` is broken unless something else is said; each way gets the folder.
"""

import io
import os
import pickle
import shutil
import socket
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from egobench.files.arrays import read_npz, write_npz
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import XSENS23

CLIP, OTHER = "toy-01", "toy-02"


@dataclass(frozen=True)
class Broken:
    """A way to break it."""

    name: str
    code: str
    do: Callable[[Path], Any]
    clip: str = CLIP


WAYS: list[Broken] = []


def way(code: str, clip: str = CLIP) -> Callable[[Callable[[Path], Any]], Callable[[Path], Any]]:
    def keep(do: Callable[[Path], Any]) -> Callable[[Path], Any]:
        WAYS.append(Broken(do.__name__, code, do, clip))
        return do

    return keep


def lines(code: str, clip: str = CLIP, **ways: Callable[[Path], Any]) -> None:
    WAYS.extend(Broken(name, code, do, clip) for name, do in ways.items())


# --- the folder and its names ---------------------------------------------------------------------------------------


def move(old: str, new: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / old).rename(folder / new)


def put(name: str, content: bytes = b"x") -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return do


def copy(old: str, new: str) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        source = folder / old
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, folder / new) if source.is_dir() else shutil.copy(source, folder / new)

    return do


lines("clip-missing", a_clip_is_missing=lambda folder: shutil.rmtree(folder / CLIP))
lines("clip-missing", a_clip_is_an_empty_folder=lambda folder: [p.unlink() for p in (folder / CLIP).iterdir()])
lines("clip-unknown", "toy-99", an_extra_clip=copy(CLIP, "toy-99"))
lines("clip-unknown", "toy01", a_misnamed_clip=move(CLIP, "toy01"))
lines("clip-case", "TOY-01", a_clip_in_capitals=move(CLIP, "TOY-01"))
lines("clip-case", "Toy-01", a_clip_twice_in_two_cases=copy(CLIP, "Toy-01"))
lines("clip-lookalike", "tоy-01", a_cyrillic_letter_in_a_clips_name=move(CLIP, "tоy-01"))
lines("clip-lookalike", "toy–01", a_long_dash_in_a_clips_name=move(CLIP, "toy–01"))
lines("clip-lookalike", "toy-０1", a_wide_digit_in_a_clips_name=move(CLIP, "toy-０1"))
lines("clip-lookalike", r"toy-\u200b01", an_invisible_character_in_a_clips_name=move(CLIP, "toy-\u200b01"))
lines("clip-lookalike", "toy-01 ", a_space_after_a_clips_name=move(CLIP, "toy-01 "))
lines("name-unsafe", r"..\toy-01", a_path_of_another_system_as_a_name=copy(CLIP, r"..\toy-01"))
lines("name-unsafe", r"toy-01\u000a", a_newline_in_a_name=copy(CLIP, "toy-01\n"))
lines(
    "name-unsafe",
    r"toy-\xff",
    a_name_that_is_not_utf8=lambda f: shutil.copytree(f / CLIP, os.fsdecode(os.fsencode(f) + b"/toy-\xff")),
)
lines("archive", "", a_zip_of_a_clip=put("toy-01.zip"))
lines("archive", a_tar_within_a_clip=put(f"{CLIP}/samples.tar.gz"))
lines("file-name", a_suffix_in_capitals=move(f"{CLIP}/video.mp4", f"{CLIP}/video.MP4"))
lines("file-name", a_suffix_twice=move(f"{CLIP}/motion.npz", f"{CLIP}/motion.npz.npz"))
lines("file-name", a_misspelt_file=move(f"{CLIP}/motion.npz", f"{CLIP}/motions.npz"))
lines("file-name", "", a_misspelt_description=put("Submission.toml"))
lines("video-missing", no_video=lambda folder: (folder / CLIP / "video.mp4").unlink())
lines("motion-missing", no_motion=lambda folder: (folder / CLIP / "motion.npz").unlink())
lines("motion-twice", two_motions=lambda folder: np.save(folder / CLIP / "motion.npy", np.zeros((17, 263))))
lines("seed-unknown", a_seed_that_was_not_announced=copy(f"{CLIP}/video.mp4", f"{CLIP}/3/video.mp4"))
lines("seed-twice", a_sample_beside_and_in_a_seeds_folder=copy(f"{CLIP}/video.mp4", f"{CLIP}/0/video.mp4"))
lines("seed-unknown", a_folder_that_is_no_seed=put(f"{CLIP}/frames/000000.png"))


@way("link")
def a_link_to_a_file_outside(folder):
    outside = folder.parent / "outside.npz"
    (folder / CLIP / "motion.npz").rename(outside)
    (folder / CLIP / "motion.npz").symlink_to(outside)


@way("link")
def a_link_in_place_of_a_clip(folder):
    (folder / CLIP).rename(folder.parent / CLIP)
    (folder / CLIP).symlink_to(folder.parent / CLIP)


@way("link")
def a_link_to_itself(folder):
    (folder / CLIP / "loop").symlink_to(folder / CLIP)


@way("special-file")
def a_pipe_that_nobody_writes_to(folder):
    (folder / CLIP / "motion.npz").unlink()
    os.mkfifo(folder / CLIP / "motion.npz")


@way("special-file")
def a_socket(folder):
    (folder / CLIP / "video.mp4").unlink()
    here = os.getcwd()
    os.chdir(folder / CLIP)  # a socket's path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("video.mp4")
    finally:
        os.chdir(here)


@way("special-file")
def a_device_that_never_ends(folder):
    (folder / CLIP / "video.mp4").unlink()
    os.mknod(folder / CLIP / "video.mp4", 0o600 | 0o020000, os.makedev(1, 5))


# --- submission.toml ------------------------------------------------------------------------------------------------


def toml(old: str, new: str) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        path = folder / "submission.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return do


lines("toml-missing", "", no_description=lambda folder: (folder / "submission.toml").unlink())
lines("toml-unreadable", "", a_description_that_is_no_toml=put("submission.toml", b"model: mine"))
lines("toml-unreadable", "", a_description_in_another_encoding=put("submission.toml", b'model = "\xe9"'))
lines("toml-unreadable", "", a_huge_description=put("submission.toml", b"#" * 10**6))
lines("toml-unreadable", "", a_description_nested_without_end=put("submission.toml", b"x = " + b"[" * 30_000))
lines("toml-key-unknown", "", a_misspelt_key=toml("fps_video", "fps_vidoe"))
lines("toml-key-missing", "", a_key_left_out=toml('skeleton = "xsens23"\n', ""))
lines("toml-value", "", a_rate_as_text=toml("fps_video = 8", 'fps_video = "8"'))
lines("toml-value", "", a_rate_that_is_no_number=toml("fps_video = 8", "fps_video = nan"))
lines("toml-value", "", a_model_name_that_is_a_path=toml('model = "example"', 'model = "../../etc"'))
lines("toml-value", "", a_model_name_of_a_control=toml('model = "example"', 'model = "reference"'))
lines("toml-value", "", a_task_that_is_none=toml('task = "t2vm"', 'task = "t2v"'))
lines("toml-value", "", no_seeds=toml("seeds = 1", "seeds = 0"))
lines("toml-value", "", a_seed_twice=toml("seeds = 1", "seeds = [1, 1]"))
lines("toml-value", "", parts_that_are_none=toml('parts = ["video", "motion"]', 'parts = ["sound"]'))
lines("toml-schema", "", a_newer_format=toml("schema = 1", "schema = 2"))
lines("toml-split", "", another_split=toml('split = "toy"', 'split = "toys"'))
lines("toml-rate", "", another_video_rate=toml("fps_video = 8", "fps_video = 30"))
lines("toml-rate", "", another_motion_rate=toml("fps_motion = 16", "fps_motion = 20"))
lines("toml-skeleton", "", another_skeleton=toml("xsens23", "smpl22"))
lines("seed-missing", more_seeds_than_samples=lambda f: (_seeds(f), shutil.rmtree(f / CLIP / "1")))
lines("part-unannounced", "toy-00", a_part_that_was_not_announced=toml('["video", "motion"]', '["video"]'))


def _seeds(folder: Path) -> None:
    """Every clip with two samples."""
    toml("seeds = 1", "seeds = 2")(folder)
    for clip in sorted(path for path in folder.iterdir() if path.is_dir()):
        for seed in ("0", "1"):
            (clip / seed).mkdir()
            for name in ("video.mp4", "motion.npz"):
                shutil.copy(clip / name, clip / seed / name)
        for name in ("video.mp4", "motion.npz"):
            (clip / name).unlink()


# --- video ----------------------------------------------------------------------------------------------------------


def video(change: Callable[[np.ndarray], np.ndarray] = lambda frames: frames, fps: float = 8) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        path = folder / CLIP / "video.mp4"
        write_video(path, change(read_video(path).frames), fps)

    return do


def data(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        path = folder / CLIP / name
        path.write_bytes(change(path.read_bytes()))

    return do


def hole(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(600) + content[middle + 600 :]


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
lines("video-empty", an_empty_video=put(f"{CLIP}/video.mp4", b""))
lines("video-unreadable", a_video_cut_off=data("video.mp4", lambda content: content[:-200]))
lines("video-unreadable", a_video_with_a_hole=data("video.mp4", hole))
lines("video-unreadable", a_text_named_mp4=put(f"{CLIP}/video.mp4", b"no video " * 99))
lines("video-unreadable", a_playlist_named_mp4=put(f"{CLIP}/video.mp4", PLAYLIST))
lines("video-rate", a_video_at_another_rate=video(fps=30))
lines("video-frames", one_frame_too_many=video(lambda frames: frames[[0, *range(9)]]))
lines("video-frames", one_frame_too_few=video(lambda frames: frames[:-1]))
lines("video-size", height_and_width_exchanged=video(lambda frames: frames.swapaxes(1, 2)))
lines("video-bgr", colours_in_the_order_of_opencv=video(lambda frames: frames[..., ::-1]))
lines("video-turned", pictures_upside_down=video(lambda frames: frames[:, ::-1]))
lines("video-turned", mirrored_pictures=video(lambda frames: frames[:, :, ::-1]))
lines("video-turned", pictures_turned_by_180=video(lambda frames: frames[:, ::-1, ::-1]))
lines("video-late", a_black_frame_first=video(lambda frames: np.concatenate([0 * frames[:1], frames[:-1]])))
lines("video-early", without_the_given_frame=video(lambda frames: frames[[*range(1, 9), 8]]))
lines("video-size", half_the_size=video(lambda frames: frames[:, ::2, ::2]))
lines("file-too-large", an_absurdly_large_video=lambda folder: os.truncate(folder / CLIP / "video.mp4", 2**33))


@way("video-display-matrix")
def a_video_to_be_shown_aslant(folder):
    path, slant = folder / CLIP / "video.mp4", (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", *slant)
    path.write_bytes(content)


@way("video-shape")
def frames_of_two_sizes(folder):
    import av

    with av.open(str(folder / CLIP / "video.mp4"), "w", format="mp4") as container:
        stream = container.add_stream("mjpeg", rate=8)
        small = av.CodecContext.create("mjpeg", "w")
        for coder, size in ((stream.codec_context, (32, 16)), (small, (16, 16))):
            (coder.width, coder.height), coder.pix_fmt, coder.framerate = size, "yuvj420p", 8
        small.time_base = 1 / small.framerate
        for index in range(9):
            coder = stream if index < 5 else small
            picture = av.VideoFrame(coder.width, coder.height, "yuvj420p")
            for plane in picture.planes:
                plane.update(bytes(plane.buffer_size))
            picture.pts = index
            for packet in coder.encode(picture):
                packet.stream, packet.pts, packet.dts, packet.time_base = stream, index, index, small.time_base
                container.mux(packet)


@way("video-unreadable")
def a_picture_named_mp4(folder):
    Image.fromarray(np.zeros((16, 32, 3), np.uint8)).save(folder / CLIP / "video.mp4", "PNG")


@way("video-rate")
def a_frame_dropped_from_the_clock(folder):
    import av

    frames = read_video(folder / CLIP / "video.mp4").frames
    with av.open(str(folder / CLIP / "video.mp4"), "w") as container:
        stream = container.add_stream("libx264rgb", rate=8)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "rgb24"
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts = index + (index > 4)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


# --- pictures -------------------------------------------------------------------------------------------------------


def as_pictures(folder: Path) -> Path:
    """The clip's video as a folder of PNG files; returns it."""
    frames = read_video(folder / CLIP / "video.mp4").frames
    (folder / CLIP / "video.mp4").unlink()
    pictures = folder / CLIP / "video"
    pictures.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(pictures / f"{number:06d}.png")
    return pictures


def picture(change: Callable[[Path], Any], name: str = "000004.png") -> Callable[[Path], Any]:
    return lambda folder: change(as_pictures(folder) / name)


def drawn(mode: str, size: tuple[int, int] = (32, 16), **save: Any) -> Callable[[Path], Any]:
    return picture(lambda path: Image.new(mode, size).save(path, **save))


def header(width: int, height: int) -> Callable[[Path], Any]:
    """Another size in a PNG's header, its checksum right."""

    def do(path: Path) -> None:
        import zlib

        content = bytearray(path.read_bytes())
        content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
        path.write_bytes(content)

    return picture(do)


lines(
    "video-twice",
    a_video_and_pictures=lambda f: (
        copy(f"{CLIP}/video.mp4", "v")(f),
        as_pictures(f),
        (f / "v").rename(f / CLIP / "video.mp4"),
    ),
)
lines("png-names", a_gap_in_the_pictures=picture(lambda path: path.rename(path.with_name("000019.png"))))
lines(
    "png-names",
    pictures_counted_from_one=lambda f: [
        p.rename(p.with_name(f"{int(p.stem) + 1:06d}.png")) for p in sorted(as_pictures(f).iterdir(), reverse=True)
    ],
)
lines("video-frames", a_picture_too_few=picture(lambda path: path.unlink(), "000008.png"))
lines("png-empty", an_empty_picture=picture(lambda path: path.write_bytes(b"")))
lines("png-unreadable", a_picture_cut_off=picture(lambda path: path.write_bytes(path.read_bytes()[:700])))
lines("png-unreadable", a_jpeg_named_png=drawn("RGB", format="JPEG"))
lines("png-size", a_picture_of_another_size=drawn("RGB", (16, 32)))
lines("png-size", a_picture_of_absurd_declared_size=header(2**31 - 1, 2**31 - 1))
lines("png-mode", a_picture_with_transparency=drawn("RGBA"))
lines("png-mode", a_grey_picture=drawn("L"))
lines("png-mode", a_picture_with_a_palette=drawn("P"))
lines(
    "png-too-large",
    a_picture_with_a_load_of_other_data=picture(lambda path: path.write_bytes(path.read_bytes() + bytes(10**5))),
)


# --- npz files ------------------------------------------------------------------------------------------------------


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def entries(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(folder / CLIP / "motion.npz") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(change: Callable[[dict[str, bytes]], dict[str, bytes]], method: int = zipfile.ZIP_DEFLATED):
    return lambda folder: (folder / CLIP / "motion.npz").write_bytes(zipped(change(entries(folder)), method))


class Evil:
    """Unpickled, it would leave a trace."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("unpickled",)


def encrypted(content: bytes) -> bytes:
    """Says in every header that it has a password."""
    changed = bytearray(content)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(sign)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(sign, at + 4)
    return bytes(changed)


BOMB = npy(np.zeros((3_000_000,)))
LYING = npy(np.zeros(1)).replace(b"(1,), }     ", b"(90000,), } ")
lines("npz-empty", an_empty_motion=put(f"{CLIP}/motion.npz", b""))
lines("npz-unreadable", a_motion_cut_off=data("motion.npz", lambda content: content[: len(content) // 2]))
lines("npz-unreadable", a_flipped_bit_in_a_motion=data("motion.npz", lambda c: c[:500] + bytes([c[500] ^ 8]) + c[501:]))
lines("npz-unreadable", a_pickle_named_npz=put(f"{CLIP}/motion.npz", pickle.dumps(Evil())))
lines("npz-unreadable", an_npy_named_npz=put(f"{CLIP}/motion.npz", npy(np.zeros((17, 23, 3)))))
lines("npz-dtype", pickled_objects_in_an_array=rezip(lambda e: {**e, "positions.npy": npy(np.array([Evil()], object))}))
lines("npz-encrypted", an_encrypted_zip=data("motion.npz", encrypted))
lines("npz-compression", a_zip_method_without_bound=rezip(lambda e: e, zipfile.ZIP_LZMA))
lines("npz-too-large", an_archive_that_explodes=rezip(lambda e: {**e, "positions.npy": BOMB}))
lines("npz-too-large", a_header_that_lies_about_its_size=rezip(lambda e: {**e, "positions.npy": LYING}))
lines("npz-too-large", thousands_of_arrays=rezip(lambda e: {**e, **{f"{k}.npy": b"" for k in range(2000)}}))
lines("npz-name", an_entry_that_leaves_the_folder=rezip(lambda e: {**e, "../../evil.npy": npy(np.zeros(3))}))
lines("file-too-large", an_absurdly_large_motion=lambda folder: os.truncate(folder / CLIP / "motion.npz", 2**40))


# --- motions --------------------------------------------------------------------------------------------------------


def arrays(**change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Path], Any]:
    """Arrays by name: made of all arrays, or left out where None."""

    def do(folder: Path) -> None:
        path = folder / CLIP / "motion.npz"
        before = read_npz(path)
        after = {**before, **{name: make(before) for name, make in change.items()}}
        write_npz(path, **{name: array for name, array in after.items() if array is not None})

    return do


def positions(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], Any]:
    return arrays(positions=lambda a: change(a["positions"]), camera=lambda _: None)


def rotations(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], Any]:
    return arrays(rotations=lambda a: change(a["rotations"]), camera=lambda _: None)


def camera(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], Any]:
    return arrays(camera=lambda a: change(a["camera"]))


def at(index: tuple, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array[index] = value
        return array

    return change


def wxyz(matrices: np.ndarray) -> np.ndarray:
    return np.roll(xyzw(matrices), 1, axis=-1)


def xyzw(matrices: np.ndarray) -> np.ndarray:
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_quat().reshape(*matrices.shape[:2], 4)


def local(matrices: np.ndarray) -> np.ndarray:
    parents = np.maximum(XSENS23.parents, 0)
    own = matrices[:, parents].swapaxes(-1, -2) @ matrices
    own[:, 0] = matrices[:, 0]
    return own


MIRROR = np.diag([1.0, -1.0, 1.0])
Y_UP = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
REVERSED = {"positions": lambda a: a["positions"].byteswap().view(a["positions"].dtype), "camera": lambda _: None}
lines("motion-keys", other_arrays=arrays(joints=lambda a: a["positions"], positions=lambda _: None))
lines("motion-dtype", whole_numbers=positions(lambda p: p.round().astype(int)))
lines("motion-dtype", complex_numbers=positions(lambda p: p.astype(complex)))
lines("motion-shape", joints_before_time=arrays(positions=lambda a: a["positions"].swapaxes(0, 1)))
lines("motion-shape", flat_vectors=positions(lambda p: p.reshape(len(p), -1)))
lines("motion-shape", rotations_as_six_numbers=rotations(lambda r: r[..., :2].reshape(*r.shape[:2], 6)))
lines(
    "motion-frames",
    as_many_poses_as_pictures=arrays(**{n: lambda a, n=n: a[n][::2] for n in ("positions", "rotations", "camera")}),
)
lines("motion-skeleton", a_joint_too_few=arrays(**{n: lambda a, n=n: a[n][:, :22] for n in ("positions", "rotations")}))
lines("motion-nonfinite", nan=positions(at((4, 3, 1), np.nan)))
lines("motion-nonfinite", infinity=rotations(at((4, 3, 1), np.inf)))
lines("motion-byte-order", bytes_in_reversed_order=arrays(**REVERSED))
lines("motion-units", millimetres=positions(lambda p: p * 1000))
lines("motion-units", centimetres=positions(lambda p: p * 100))
lines("motion-units", a_dwarf=positions(lambda p: p * 0.5))
lines("motion-rotation", scaled_rotations=rotations(lambda r: r * 1.1))
lines("motion-rotation", mirrored_rotations=rotations(lambda r: r @ MIRROR))
lines("motion-quaternion", quaternions_of_another_length=rotations(lambda r: 2 * wxyz(r)))
lines("motion-quaternion-order", quaternions_with_w_last=rotations(xyzw))
lines("motion-rotation-inverse", rotations_from_world_to_joint=rotations(lambda r: r.swapaxes(-1, -2)))
lines("motion-rotation-local", rotations_relative_to_the_parent=rotations(local))
lines(
    "motion-handedness",
    a_left_handed_world=arrays(
        positions=lambda a: a["positions"] @ MIRROR,
        rotations=lambda a: MIRROR @ a["rotations"] @ MIRROR,
        camera=lambda _: None,
    ),
)
lines("motion-handedness", positions_alone_mirrored=positions(lambda p: p @ MIRROR))
lines("motion-axes", x_and_y_exchanged_in_positions=positions(lambda p: p[..., [1, 0, 2]]))
lines("motion-yaw", positions_alone_turned_by_90_degrees=positions(lambda p: p[..., [1, 0, 2]] * [-1, 1, 1]))
lines("motion-yaw", positions_alone_turned_by_180_degrees=positions(lambda p: p * [-1, -1, 1]))
lines("motion-rest", rotations_of_a_body_that_faces_y=rotations(lambda r: r[..., [1, 0, 2]] * [1, -1, 1]))
lines("motion-up", y_is_up_in_positions_alone=positions(lambda p: p[..., [0, 2, 1]]))
lines(
    "motion-up",
    y_is_up=arrays(
        positions=lambda a: a["positions"] @ Y_UP.T, rotations=lambda a: Y_UP @ a["rotations"], camera=lambda _: None
    ),
)
lines(
    "motion-teleport",
    a_jump_to_another_room=positions(lambda p: p + np.where(np.arange(17) > 8, 4.0, 0.0)[:, None, None]),
)
lines("camera-shape", a_camera_per_picture=camera(lambda c: c[::2]))
lines("camera-nonfinite", a_camera_that_is_nowhere=camera(at((3, 0, 3), np.nan)))
lines("camera-rigid", a_scaled_camera=camera(lambda c: c * 2))
lines("camera-rigid", a_transposed_camera=camera(lambda c: c.swapaxes(-1, -2)))
lines("camera-intrinsics", another_camera=arrays(intrinsics=lambda a: a["intrinsics"] * 2))
lines(
    "body-model-missing",
    smpl_without_a_body_model=lambda f: write_npz(
        f / CLIP / "motion.npz", poses=np.zeros((17, 72)), trans=np.zeros((17, 3))
    ),
)
lines(
    "humanml3d-shape",
    vectors_of_another_width=lambda f: (
        (f / CLIP / "motion.npz").unlink(),
        np.save(f / CLIP / "motion.npy", np.zeros((17, 66))),
    ),
)
