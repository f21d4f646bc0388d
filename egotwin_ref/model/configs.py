"""Presets and variants as data: how large the network is, and which row of the paper's tables it is.

Symbols (used in all files here): B batch · K latent steps after the first (K = N_v / 4) · S spatial tokens per latent
frame · r motion tokens per latent step (2) · M = 1 + rK motion tokens · L_t text tokens · C_v, C_m latent channels ·
D width of the text + video stream · d_m width of the motion branch · L blocks, of which the first L/2 have motion.
"""

from dataclasses import dataclass, replace
from typing import Literal

Part = Literal["video", "motion"]
BOTH: tuple[Part, ...] = ("video", "motion")
Timesteps = Literal["async", "sync", "given"]


@dataclass(frozen=True)
class Variant:
    """One row of the tables: three fields, and the motion tokeniser that goes with them."""

    representation: Literal["head", "root", "path"]
    """Motion features: head-centric (EgoTwin), root-centric (as HumanML3D), or the path of the head alone, which is
    given."""
    mask: Literal["causal", "full"]
    """The interaction mask of the paper, or no mask: every token attends to every token."""
    timesteps: Timesteps
    """`async`: t_v and t_m are independent. `sync`: t_v = t_m. `given`: the motion is always given, at t_m = 0."""
    tokens: Literal["conv", "global", "path"] = "conv"
    """`conv`: causal convolutional motion VAE (M tokens on the clock). `global`: MLD's transformer VAE (a pose token
    and one latent). `path`: the path itself (M tokens on the clock, no VAE)."""
    makes: tuple[Part, ...] = BOTH
    """The modalities that the row generates. A row of motion alone has motion in all of its blocks."""


VARIANTS = {
    "egotwin": Variant("head", "causal", "async"),
    "wo-mr": Variant("root", "causal", "async"),
    "wo-im": Variant("head", "full", "async"),
    "wo-ad": Variant("head", "causal", "sync"),
    "mm-dit": Variant("head", "full", "sync"),
    "vidmld": Variant("root", "full", "sync", "global"),
    "mld": Variant("root", "full", "sync", "global", makes=("motion",)),
    "cameractrl": Variant("path", "full", "given", "path", makes=("video",)),
}
"""The rows of the paper's tables; MM-DiT; and two systems that generate one modality: MLD (text → motion) and
CameraCtrl (text, first frame and the head's path → video)."""


def row_name(variant: str, seed: int) -> str:
    """Name of a training's folder and files: `egotwin`, or `egotwin-seed1`."""
    return variant if seed == 0 else f"{variant}-seed{seed}"


PATH_CHANNELS = 72
"""Numbers in a token of a given head path: four frames of (h_r, ḣ_r, h_p, ḣ_p)."""


@dataclass(frozen=True)
class NetworkConfig:
    """The three-branch transformer. Head dimension × heads = D."""

    layers: int
    """L; the motion branch is in blocks 0 … L/2 - 1."""
    heads: int
    head_dim: int
    motion_width: int
    """d_m, the same for all rows. No row's latents are wider, since a narrower network could not output all of them."""
    time_width: int
    """Width E of the timestep embeddings."""
    text_tokens: int
    """L_t."""
    text_width: int
    """Width of the text encoder's output (T5-XXL: 4096)."""
    video_channels: int
    """C_v."""
    latent_frames: int
    """K + 1."""
    latent_size: tuple[int, int]
    """Height and width of the video latents."""
    motion_channels: int
    """C_m of the convolutional VAE's tokens."""
    global_channels: int
    """C_m of MLD's one latent for the whole motion, and of its pose token (MLD: 256)."""
    motion_rate: int = 2
    """r: motion tokens per latent step."""
    patch: int = 2
    """Side of a spatial patch of the video latents."""
    positions: Literal["rope", "sincos", "rope+learned"] = "rope"
    """3D RoPE (5B, mini), added 3D sin-cos (2B), or RoPE and a learned table (5B-I2V)."""
    first_frame: Literal["token", "concat"] = "token"
    """How the given frame enters the network: as a clean latent frame 0 (t = 0), or as extra channels (5B-I2V)."""
    rope_grid: tuple[int, int] | None = None
    """Token grid that the pretrained positions were made for (5B: 30 × 45); the used grid is its centred crop."""

    @property
    def width(self) -> int:
        """D."""
        return self.heads * self.head_dim

    @property
    def token_grid(self) -> tuple[int, int]:
        """Spatial tokens per latent frame, vertically and horizontally."""
        return self.latent_size[0] // self.patch, self.latent_size[1] // self.patch

    def motion_size(self, variant: Variant) -> int:
        """C_m of a row's motion tokens."""
        return {"conv": self.motion_channels, "global": self.global_channels, "path": PATH_CHANNELS}[variant.tokens]


@dataclass(frozen=True)
class Preset:
    """A size: the network, the data it is for, and the noise schedule."""

    network: NetworkConfig
    video_frames: int
    fps_video: float
    motion_frames: int
    fps_motion: float
    frame_size: tuple[int, int]
    """Height and width in pixels."""
    joints: int
    """J of the skeleton the weights are for (xsens23: 23)."""
    video_vae: Literal["groups", "cogvideox"]
    """`egotwin_ref.autoencoders.video_vae.GroupVAE` of 4 × (frame size / latent size), or diffusers'
    AutoencoderKLCogVideoX (4 × 8 × 8)."""
    text: Literal["words", "t5"]
    """The small encoder trained with the model, or T5-XXL through transformers."""
    vae_width: int = 64
    """Width of `GroupVAE`."""
    global_vae: tuple[int, int] = (128, 5)
    """Width and layers of `GlobalMotionVAE`'s transformers."""
    coarse_patch: int | None = None
    """Side of the patches up to the middle of stage 3, a multiple of the network's. With fewer tokens the network
    learns the use of text and time at less cost; with the finer ones it then learns where things are. None: the same
    patches throughout."""
    form: Literal["bf16", "int8"] = "bf16"
    """Number format of a row's shipped weights; `weights.compact` makes int8 of trained weights."""
    recompute: bool = False
    """Activation checkpointing: training keeps only the inputs of a block, and computes the rest again in the backward
    pass."""
    snr_shift: float = 1.0
    """s of the schedule (2B: 3, 5B: 1)."""


_TWO_B = NetworkConfig(
    layers=30, heads=30, head_dim=64, time_width=512, text_tokens=226, text_width=4096, motion_width=768,
    video_channels=16, latent_frames=11, latent_size=(60, 60), motion_channels=768, global_channels=256,
    rope_grid=(30, 45), positions="sincos",
)  # fmt: skip
_FIVE_B = replace(_TWO_B, layers=42, heads=48, positions="rope")
_FIVE_B_I2V = replace(_FIVE_B, positions="rope+learned", first_frame="concat")
_LARGE = Preset(
    _FIVE_B, video_frames=41, fps_video=8.0, motion_frames=81, fps_motion=16.0, frame_size=(480, 480), joints=23,
    video_vae="cogvideox", text="t5", recompute=True,
)  # fmt: skip

PRESETS = {
    "mini": Preset(
        NetworkConfig(
            layers=6, heads=3, head_dim=64, motion_width=96, time_width=128, text_tokens=26, text_width=192,
            video_channels=32, latent_frames=11, latent_size=(4, 4), motion_channels=64, global_channels=96, patch=1,
        ),
        video_frames=41, fps_video=8.0, motion_frames=81, fps_motion=16.0, frame_size=(64, 64), joints=23,
        video_vae="groups", text="words", coarse_patch=2,
    ),
    "small": Preset(
        NetworkConfig(
            layers=6, heads=3, head_dim=64, motion_width=256, time_width=96, text_tokens=27, text_width=192,
            video_channels=16, latent_frames=11, latent_size=(8, 8), motion_channels=64, global_channels=256,
        ),
        video_frames=41, fps_video=8.0, motion_frames=81, fps_motion=16.0, frame_size=(64, 64), joints=23,
        video_vae="groups", text="words", vae_width=96, global_vae=(192, 7), form="int8",
    ),
    "cogvideox-2b": replace(_LARGE, network=_TWO_B, snr_shift=3.0),
    "cogvideox-5b": _LARGE,
    "cogvideox-5b-i2v": replace(_LARGE, network=_FIVE_B_I2V),
}  # fmt: skip
"""Sizes by name. `small` ships with the weights of all rows. `mini` needs half of the computation and ships without
weights. The others load CogVideoX's weights."""
