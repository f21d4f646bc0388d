"""EgoTwin and its rows as EgoBench models: a Condition in, a Sample out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from egobench import BadInputError, Condition, Motion, Sample, Split, Video
from egotwin_ref.adapters.precision import Precision, check_precision, in_bfloat16, products
from egotwin_ref.loading.shipped import SHIPPED
from egotwin_ref.model.configs import PRESETS, VARIANTS, row_name

if TYPE_CHECKING:
    from egotwin_ref.loading.bundle import Bundle, Outputs

Variant = Literal["egotwin", "vidmld", "wo-mr", "wo-im", "wo-ad", "mm-dit", "mld", "cameractrl"]


@dataclass(frozen=True)
class EgoTwinModel:
    """EgoTwin, the reference: text, first frame and first pose → video and motion; seven more rows by `variant`.

    All rows are one diffusion transformer, and a row is a few fields of it (`egotwin_ref.model.configs.VARIANTS`).

    Differs from the paper: `egotwin_ref/PAPER.md` lists every choice. The shipped `small` weights are for the embedded
    world; their cards say on what data they were trained, for how many steps, and how long.
    """

    variant: Variant = "egotwin"
    """A row of the paper's tables; mm-dit; mld, which makes motion alone; or cameractrl, which makes video alone, along
    a given head path (`--task tm2v`)."""
    train_seed: int = 0
    """Seed of the row's training. Trainings with other seeds than 0 show how much of a difference is training noise."""
    preset: Literal["mini", "small", "cogvideox-2b", "cogvideox-5b", "cogvideox-5b-i2v"] = "small"
    """Size of the networks, and the form of the clips that they are for."""
    weights: Path | None = None
    """Folder of safetensors files; by default the weights that come with the package."""
    pretrained: Path | None = None
    """Folder of a CogVideoX download; the cogvideox presets use its VAE and text encoder."""
    steps: int = 20
    """Sampling steps; each takes one evaluation of the network per term of guidance."""
    sampler: Literal["dpm++", "ddim"] = "dpm++"
    guidance: float = 1.0
    """w_t, strength of the text; 1 is no guidance."""
    partner_guidance: float = 1.0
    """w_m and w_v, strength of the other modality; 1 is no guidance."""
    precision: Precision = "float32"
    """Of the transformer's products: float32 is the one of record; tf32 on a GPU, and bf16 where the device has it, are
    faster and give other samples."""
    compiled: bool = False
    """Has torch compile the transformer's blocks: a minute of waiting, then faster steps."""
    weights_sha256: dict[str, str] = field(init=False, default_factory=dict)
    """SHA-256 of the files that are read."""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise BadInputError(f"steps is {self.steps}; 1 to 1000 are possible", code="option-range")
        for name in ("guidance", "partner_guidance"):
            if not np.isfinite(getattr(self, name)):
                raise BadInputError(f"{name} is {getattr(self, name)}; a finite number is needed", code="option-range")
        if PRESETS[self.preset].video_vae == "cogvideox" and not (self.pretrained and self.pretrained.is_dir()):
            raise BadInputError(
                f"{self.preset} needs CogVideoX's VAE and text encoder: name the folder of a download in diffusers' "
                "format with `--set pretrained=FOLDER`",
                code="weights-missing",
            )
        for path in self.files():
            if not path.is_file():
                raise BadInputError(
                    f"no weights at {path}; `egobench train egotwin --preset {self.preset} --variant {self.variant}` "
                    "makes them, or name another folder with `--set weights=FOLDER`",
                    code="weights-missing",
                )
            with path.open("rb") as file:
                self.weights_sha256[path.name] = hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def row(self) -> str:
        """Name of the row's weight file."""
        return row_name(self.variant, self.train_seed)

    def files(self) -> list[Path]:
        """The weight files of this row."""
        row = VARIANTS[self.variant]
        folder = self.weights or SHIPPED / self.preset
        names = (f"motion-vae-{row.representation}-{row.tokens}", self.row)
        own = [folder / f"{name}.safetensors" for name in names]
        if self.pretrained is None:
            return [folder / "video-vae.safetensors", *own] if "video" in row.makes else own
        parts = (self.pretrained / name for name in ("vae", "text_encoder"))
        return [*(path for part in parts for path in sorted(part.glob("*.safetensors"))), *own]

    def check_split(self, split: Split) -> None:
        """Refuses a split whose clips do not have the form that the weights were trained on.

        Raises:
            BadInputError: `split-form`, `text-empty`, `text-long`.
        """
        size = PRESETS[self.preset]
        right = {
            "width": size.frame_size[1], "height": size.frame_size[0],
            "num_video_frames": size.video_frames, "fps_video": size.fps_video,
            "num_motion_frames": size.motion_frames, "fps_motion": size.fps_motion, "skeleton": "xsens23",
        }  # fmt: skip
        for name, value in right.items():
            if split.facts[name] != value:
                raise BadInputError(
                    f"{split.name} has {name} {split.facts[name]}; {self.preset} was trained on {value}",
                    code="split-form",
                )
        for info in split.infos():
            _check_text(info.text, info.clip_id, size.network.text_tokens if size.text == "words" else None)

    def batch_size(self, device: str) -> int:
        """Clips of one batch: on a CPU as many as its cache holds well, on a GPU as many as keep it busy."""
        if self.pretrained is not None:  # latents of long videos of 480 × 720 fill a GPU by themselves
            return 1
        return 16 if device == "cpu" else 64

    def load(self, device: str) -> "Loaded":
        """Reads the weights.

        Raises:
            BadInputError: `weights-other`: a file is damaged, or is of another preset or variant; `weights-missing`: a
                package that is needed to read the files is not installed; `option-range`: a precision that the device
                does not have.
        """
        from egotwin_ref.loading.bundle import Bundle

        try:
            bundle = Bundle.load(self.preset, self.variant, self.weights, device, self.pretrained, self.row)
        except ValueError as error:
            raise BadInputError(str(error), code="weights-other") from None
        except ImportError as error:
            text = f"{self.preset} needs more packages: pip install 'egobench[cogvideox]' ({error})"
            raise BadInputError(text, code="weights-missing") from None
        check_precision(self.precision, device)
        if self.compiled:
            from egotwin_ref.model.network import compile_blocks

            compile_blocks(bundle.model)
        if self.precision == "bf16":
            in_bfloat16(bundle.model, device)
        return Loaded(self, bundle)


class Loaded:
    """A row with its weights. The noise depends on clip and seed alone, so that a clip's sample depends on the others
    of its batch only by the rounding of sums."""

    def __init__(self, settings: EgoTwinModel, bundle: "Bundle") -> None:
        self.settings, self.bundle = settings, bundle

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """Samples video and motion; with task `tm2v` the given motion comes back, with `tv2m` the given video.

        Raises:
            ValueError: the preset is not made for this first frame, pose or prompt.
        """
        return self.sample_batch([condition], seeds=[seed])[0]

    def sample_batch(self, conditions: Sequence[Condition], *, seeds: Sequence[int]) -> list[Sample]:
        """Samples several clips of one task at once. Raises as `sample`."""
        from egotwin_ref.loading.bundle import Inputs
        from egotwin_ref.model.sampling import Guidance

        poses = [_given_pose(condition) for condition in conditions]
        inputs = Inputs(
            [condition.text for condition in conditions],
            np.stack([_given_frames(condition) for condition in conditions]),
            np.stack([pose.positions for pose in poses]),
            np.stack([pose.rotations for pose in poses]),
        )
        with products(self.settings.precision):
            made = self.bundle.sample(
                inputs,
                [clip_seed(condition.clip_id, seed) for condition, seed in zip(conditions, seeds, strict=True)],
                mode=conditions[0].task,
                steps=self.settings.steps,
                sampler=self.settings.sampler,
                guidance=Guidance(self.settings.guidance, self.settings.partner_guidance),
            )
        return [_sample(condition, made, place) for place, condition in enumerate(conditions)]


def _given_pose(condition: Condition) -> Motion:
    pose = condition.motion if condition.task == "tm2v" else condition.first_pose
    assert pose is not None, "with tm2v the motion is given"
    return pose


def _given_frames(condition: Condition) -> np.ndarray:
    return condition.video.frames if condition.video and condition.task == "tv2m" else condition.first_frame[None]


def _sample(condition: Condition, made: "Outputs", place: int) -> Sample:
    """The sample of one clip of a batch. Its arrays are its own."""
    video = condition.video
    if video is None and made.frames is not None:
        video = Video(made.frames[place].copy(), condition.fps_video)
    positions, rotations = made.positions[place].copy(), made.rotations[place].copy()
    return Sample(video, condition.motion or Motion(positions, rotations, condition.fps_motion))


def clip_seed(clip_id: str, seed: int) -> int:
    """Seed of a clip's noise. It is different for every clip, and the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{clip_id}/{seed}".encode()).digest()[:7], "big")


def _check_text(text: str, clip_id: str, most: int | None) -> None:
    import re

    words = len(re.findall(r"[a-z0-9]+", text.lower()))
    if not words:
        raise BadInputError(f"{clip_id}: the caption is empty; it has to say what happens", code="text-empty")
    if most is not None and words > most:
        raise BadInputError(f"{clip_id}: the caption has {words} words; the model reads {most}", code="text-long")
