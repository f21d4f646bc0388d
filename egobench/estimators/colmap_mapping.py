"""Structure from motion on one video by COLMAP: SIFT, sequential pairs, global mapping, fixed intrinsics.

It runs in its own process (`child.py`), because native code may abort or never end. It uses one thread and one seed
everywhere, so the same video gives the same bytes, unless a GPU extracts and matches the features. Sources: Schönberger
and Frahm, CVPR 2016 (COLMAP); Pan et al., ECCV 2024 (GLOMAP, the global mapper). Poses are the inverse of COLMAP's
`cam_from_world`: `T_world_camera`.
"""

import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAX_FEATURES = 2048
PEAK_THRESHOLD = 0.003
"""Peak threshold of SIFT. COLMAP's default of 0.0067 gives too few features on plain walls."""
TOLERANCE_PIXELS, TOLERANCE_DEGREES = 1.0, 0.25
"""Allowed error of a point in a pair of frames, the larger of the two. COLMAP's default of 4 pixels is for larger
pictures."""
OVERLAP = 10
"""Each frame is matched with this number of following frames, and with the frames 2, 4, 8, … steps away."""
MIN_TRIANGULATION_DEGREES = 0.5
"""It is small because a head may only look around. COLMAP's defaults of 1.0 … 1.5 are for photographs taken some steps
apart."""
MIN_MODEL = 3
MIN_PAIR_INLIERS = 15


def map_video(
    frames: np.ndarray,
    mask: np.ndarray | None,
    params: tuple[float, float, float, float],
    seed: int,
    gpu: str | None = None,
) -> dict[str, Any]:
    """Maps one video.

    Args:
        frames: uint8 (time, height, width, 3), RGB.
        mask: bool (time, height, width), pixels to leave out; None for none.
        params: fx, fy, cx, cy in pixels, with pixel centres at half-integers, as in COLMAP.
        seed: of every random draw.
        gpu: number of the GPU that extracts and matches features, -1 for any; None for the CPU.

    Returns:
        `T_world_camera` (time, 4, 4) and `registered` (time,) of the largest model; `focal_ratio`, which is the focal
        length that fits its points best, divided by the declared one, or None; `reason`, empty if there is a model.
    """
    import pycolmap

    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    pycolmap.set_random_seed(seed)
    device = pycolmap.Device.cpu if gpu is None else pycolmap.Device.cuda
    focal = float(np.sqrt(params[0] * params[1]))
    tolerance = max(TOLERANCE_PIXELS, focal * np.tan(np.radians(TOLERANCE_DEGREES)))
    with tempfile.TemporaryDirectory(prefix="egobench-colmap-") as folder:
        root = Path(folder)
        names = _write_images(root, frames, mask)
        database, images = root / "database.db", root / "images"
        pycolmap.extract_features(
            database,
            images,
            image_names=names,
            camera_mode=pycolmap.CameraMode.SINGLE,
            reader_options=_reader(root, params, masked=mask is not None),
            extraction_options=_extraction(gpu),
            device=device,
        )
        pycolmap.match_sequential(
            database,
            matching_options=_matching(gpu),
            pairing_options=_pairing(),
            verification_options=_verification(seed, tolerance),
            device=device,
        )
        (root / "models").mkdir()
        models = pycolmap.global_mapping(database, images, root / "models", options=_mapper(seed, tolerance, focal))
    if not models:
        return _nothing(len(frames), "no model: too few features that match between frames")
    model = max(models.values(), key=lambda found: (found.num_reg_images(), found.num_points3D()))
    return {**_poses(model, names), "focal_ratio": _focal_ratio(model, params), "reason": ""}


def _nothing(frames: int, reason: str) -> dict[str, Any]:
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    none = np.zeros(frames, dtype=bool)
    return {"T_world_camera": poses, "registered": none, "focal_ratio": None, "reason": reason}


def _write_images(root: Path, frames: np.ndarray, mask: np.ndarray | None) -> list[str]:
    names = [f"{k:05d}.png" for k in range(len(frames))]
    for part in ("images", "masks"):
        (root / part).mkdir()
    for k, name in enumerate(names):
        (root / "images" / name).write_bytes(_png(frames[k]))
        if mask is not None:
            (root / "masks" / f"{name}.png").write_bytes(_png(np.where(mask[k], 0, 255).astype(np.uint8)))
    return names


def _png(pixels: np.ndarray) -> bytes:
    """An 8-bit PNG. It is written here because the zlib of OpenCV and that of COLMAP conflict in one process."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    data = zlib.compress(unfiltered, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _poses(model: Any, names: list[str]) -> dict[str, np.ndarray]:
    index = {name: k for k, name in enumerate(names)}
    poses = np.broadcast_to(np.eye(4), (len(names), 4, 4)).copy()
    registered = np.zeros(len(names), dtype=bool)
    for image_id in model.reg_image_ids():
        image = model.image(image_id)
        k = index[image.name]
        poses[k, :3] = image.cam_from_world().inverse().matrix()
        registered[k] = True
    return {"T_world_camera": poses, "registered": registered}


def _focal_ratio(model: Any, params: tuple[float, float, float, float]) -> float | None:
    """Runs bundle adjustment again from the solution, with a free focal length. The returned path does not change."""
    import pycolmap

    if not model.num_points3D():
        return None
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = True
    options.refine_principal_point = False
    options.refine_extra_params = False
    options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.HUBER
    options.ceres.solver_options.num_threads = 1
    pycolmap.bundle_adjustment(model, options)
    (camera,) = model.cameras.values()
    ratio = float(np.sqrt(camera.params[0] / params[0] * camera.params[1] / params[1]))
    return ratio if np.isfinite(ratio) and 0.2 < ratio < 5.0 else None


def _reader(root: Path, params: tuple[float, float, float, float], *, masked: bool) -> Any:
    import pycolmap

    options = pycolmap.ImageReaderOptions()
    options.camera_model = "PINHOLE"
    options.camera_params = ",".join(repr(float(value)) for value in params)
    if masked:
        options.mask_path = root / "masks"
    return options


def _extraction(gpu: str | None) -> Any:
    import pycolmap

    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = 1
    _place(options, gpu)
    options.sift.peak_threshold = PEAK_THRESHOLD
    options.sift.max_num_features = MAX_FEATURES
    return options


def _matching(gpu: str | None) -> Any:
    import pycolmap

    options = pycolmap.FeatureMatchingOptions()
    options.num_threads = 1
    _place(options, gpu)
    return options


def _place(options: Any, gpu: str | None) -> None:
    options.use_gpu = gpu is not None
    if gpu is not None:
        options.gpu_index = gpu


def _pairing() -> Any:
    import pycolmap

    options = pycolmap.SequentialPairingOptions()
    options.overlap = OVERLAP
    options.quadratic_overlap = True
    options.num_threads = 1
    return options


def _verification(seed: int, tolerance: float) -> Any:
    import pycolmap

    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed = seed
    options.ransac.num_threads = 1
    options.min_num_inliers = MIN_PAIR_INLIERS
    options.ransac.max_error = tolerance
    return options


def _mapper(seed: int, tolerance: float, focal: float) -> Any:
    import pycolmap

    options = pycolmap.GlobalPipelineOptions()
    options.random_seed = options.mapper.random_seed = seed
    options.num_threads = options.mapper.num_threads = 1
    options.min_model_size = MIN_MODEL
    mapper = options.mapper
    mapper.min_tri_angle_deg = mapper.retriangulation.min_angle = MIN_TRIANGULATION_DEGREES
    mapper.rotation_averaging.random_seed = mapper.global_positioning.random_seed = seed
    mapper.retriangulation.random_seed = seed
    mapper.global_positioning.use_gpu = False
    mapper.max_angular_reproj_error_deg = float(np.degrees(1.1 * tolerance / focal))
    adjustment = mapper.bundle_adjustment
    adjustment.refine_focal_length = adjustment.refine_principal_point = adjustment.refine_extra_params = False
    adjustment.ceres.use_gpu = False
    adjustment.ceres.solver_options.num_threads = 1
    return options


def gpu_flaw() -> str:
    """Why no GPU can extract features here; empty if one can. To be called in the mapper's process."""
    import pycolmap
    import torch

    if not pycolmap.has_cuda:
        return "this pycolmap was built without CUDA; `pip install pycolmap-cuda12` in its place brings one with it"
    return "" if torch.cuda.is_available() else "there is no GPU here"


def mapping_settings(*, on_gpu: bool = False) -> Mapping[str, Any]:
    """The settings of this module, for the protocol."""
    by = "extracted and matched by COLMAP's CUDA code" if on_gpu else "one thread"
    return {
        "features": f"SIFT, at most {MAX_FEATURES} a frame, peak threshold {PEAK_THRESHOLD}, {by}",
        "tolerance": f"{TOLERANCE_PIXELS} px or {TOLERANCE_DEGREES} degrees",
        "pairs": f"sequential, overlap {OVERLAP}, quadratic",
        "min_pair_inliers": MIN_PAIR_INLIERS,
        "mapper": "global, intrinsics fixed",
        "min_triangulation_degrees": MIN_TRIANGULATION_DEGREES,
        "min_model_frames": MIN_MODEL,
        "focal": "second bundle adjustment with a free focal length",
    }
