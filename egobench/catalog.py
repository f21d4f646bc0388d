"""Every built-in name on one screen, as `"name": "module:attr"`; nothing is imported before a name is used.

Packages such as `egomini` join by entry points instead, in the `pyproject.toml` of their distribution.
"""

from dataclasses import dataclass

from egobench.registry import Registry

MODELS = Registry(
    "models",
    {
        "reference": "egobench_baselines.reference:ReferenceControl",
        "shuffled": "egobench_baselines.shuffled:ShuffledControl",
        "static": "egobench_baselines.static:StaticControl",
        "nearest": "egobench_baselines.nearest:NearestControl",
        "noise": "egobench_baselines.noise:NoiseControl",
        "corrupted": "egobench_baselines.corrupted:Corrupted",
        "reseeded": "egobench_baselines.reseeded:ReseededControl",
        "egotwin": "egotwin_ref.adapters.model:EgoTwinModel",
        "egotwin-vae": "egotwin_ref.adapters.vae_control:VaeControl",
    },
)
TRAINERS = Registry("trainers", {"egotwin": "egotwin_ref.adapters.training:EgoTwinTraining"})
"""Models that `egobench train` can train."""
METRICS = Registry(
    "metrics",
    {
        "i-fid": "egobench.metrics.i_fid:IFID",
        "fvd": "egobench.metrics.fvd:Fvd",
        "clip-sim": "egobench.metrics.clip_sim:ClipSim",
        "m-fid": "egobench.metrics.m_fid:MFid",
        "r-precision": "egobench.metrics.r_precision:RPrecision",
        "mm-dist": "egobench.metrics.mm_dist:MmDist",
        "trans-err": "egobench.metrics.trans_err:TransErr",
        "rot-err": "egobench.metrics.rot_err:RotErr",
        "hand-score": "egobench.metrics.hand_score:HandScore",
        "sync-lag": "egobench.metrics.sync_lag:SyncLag",
        "fov-drift": "egobench.metrics.fov_drift:FovDrift",
        "foot-skate": "egobench.metrics.foot_skate:FootSkate",
        "floor-penetration": "egobench.metrics.floor:FloorPenetration",
        "floor-float": "egobench.metrics.floor:FloorFloat",
        "jerk": "egobench.metrics.jerk:Jerk",
        "bone-drift": "egobench.metrics.bone_drift:BoneDrift",
        "head-root": "egobench.metrics.head_root:HeadRoot",
    },
)
ON_REQUEST = ("fov-drift",)
"""Metrics that run only if they are named in the request: their estimators take seconds per clip."""


EXTRACTORS = Registry(
    "extractors",
    {
        "motion-text": "egobench.extractors.motion_text:MotionText",
        "inception.tf": "egobench.extractors.inception:InceptionTF",
        "inception.clean": "egobench.extractors.inception:InceptionClean",
        "inception.torchmetrics": "egobench.extractors.inception:InceptionTorchmetrics",
        "i3d.stylegan-v": "egobench.extractors.i3d:I3DStyleGANV",
        "i3d.crop": "egobench.extractors.i3d:I3DCrop",
        "clip.vit-b-32": "egobench.extractors.open_clip_vit:ClipViTB32",
        "clip.vit-l-14": "egobench.extractors.open_clip_vit:ClipViTL14",
    },
)
ESTIMATORS: Registry = Registry(
    "estimators",
    {
        "hands.palm": "egobench.estimators.palm:PalmHands",
        "hands-file": "egobench.estimators.hands_file:HandsFile",
        "colmap": "egobench.estimators.colmap:Colmap",
        "colmap.gpu": "egobench.estimators.colmap:ColmapGpu",
        "rotation-chain": "egobench.estimators.rotation_chain:RotationChain",
        "path-file": "egobench.estimators.path_file:PathFile",
    },
)
SPLITS = Registry("splits", {})
"""Those of the embedded world come by entry points, as any other data set's do."""
FITTERS = Registry("fitters", {"motion-text": "egobench.fit.motion_text:MotionTextFit"})
"""Evaluators that `egobench fit` can fit again."""
ENGINES = Registry(
    "engines",
    {
        "local": "egobench.engines.local:LocalEngine",
        "inline": "egobench.engines.inline:InlineEngine",
        "ray": "egobench.engines.ray_engine:RayEngine",
    },
)

KINDS = {registry.kind: registry for registry in (MODELS, METRICS, EXTRACTORS, ESTIMATORS, SPLITS, ENGINES)}


@dataclass(frozen=True)
class Input:
    """One kind of input of a metric (`Need.what`): what it is made of, and by what."""

    part: str
    """Part of a clip that it is made of: `video`, `motion`, `text` or `camera`."""
    method: str = ""
    """Method of the loaded extractor or estimator that makes it (one of its `provides`); empty where none does."""
    is_estimated: bool = False
    """Whether an estimator makes it, and no extractor."""
    is_raw: bool = False
    """Whether a metric may also have the part itself: a `Motion`, a `Video`, the caption, the camera."""


INPUTS = {
    "motion": Input("motion", is_raw=True),
    "frames": Input("video", "frames", is_raw=True),
    "text": Input("text", "text", is_raw=True),
    "clip": Input("video", "clip"),
    "motion-features": Input("motion", "motion"),
    "camera-path": Input("video", "camera", is_estimated=True),
    "hands": Input("video", "hands", is_estimated=True),
    "camera": Input("camera", is_raw=True),
}
"""All that a metric may need, by `Need.what`."""
METHODS = {what: kind.method for what, kind in INPUTS.items() if kind.method}
"""What a metric needs → method that makes it."""
