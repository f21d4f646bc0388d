"""The three-branch diffusion transformer: text and video share CogVideoX's blocks, motion joins in the lower half.

Shapes in comments: B batch, L_t text tokens, M motion tokens, V = (K + 1) S video tokens, D width, d_m motion width,
E width of a timestep's embedding, n tokens of any branch. Without motion the text + video stream is CogVideoX itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import Attend, Masked
from .blocks import AdaLN, Block, Branch, Output, TimeEmbedding
from .configs import BOTH, NetworkConfig, Part, Variant
from .positions import rotary, sincos, sinusoid
from .text import TextEncoder
from .tokens import motion_tokens


@dataclass(frozen=True)
class Prediction:
    """v of each modality that was asked for; see `egotwin_ref.model.diffusion`."""

    video: Tensor | None
    """(B, K + 1, C_v, h, w)."""
    motion: Tensor | None
    """(B, M, C_m)."""


class EgoTwin(nn.Module):
    """Predicts v of video and motion latents from both, their two timesteps, and text.

    Args:
        config: sizes.
        variant: which row of the paper's tables.
        vocabulary: number of word ids where the text encoder is trained with the model; 0 where text comes encoded.
        attention: how attention is computed; `egotwin_ref.model.attention` has three ways that agree.
        recompute: see `Preset.recompute`.

    Raises:
        ValueError: the row's latents are wider than the motion branch, which could not put them all out.
    """

    turns_motion: Tensor | None
    turns_video: Tensor | None
    places_motion: Tensor
    places_video: Tensor

    def __init__(
        self,
        config: NetworkConfig,
        variant: Variant,
        vocabulary: int = 0,
        attention: Callable[[NetworkConfig, Variant], Attend] = Masked,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.recompute = recompute
        self.config, self.variant, self.attend = config, variant, attention(config, variant)
        D, E, d_m = config.width, config.time_width, config.motion_width
        channels, patch = config.video_channels, config.patch
        inputs = 2 * channels if config.first_frame == "concat" else channels
        if (size := config.motion_size(variant)) > d_m:
            raise ValueError(f"motion latents of {size} channels need a motion branch as wide; this one has {d_m}")
        depth = config.layers if "video" in variant.makes else config.layers * 2 // 3
        """Blocks of motion are wider than those of text + video: a row of motion alone has as many as give it no more
        parameters than the others have."""
        self.meeting = config.layers // 2 if "video" in variant.makes else depth
        """So many blocks have motion."""
        self.words = TextEncoder(vocabulary, config.text_width, config.text_tokens) if vocabulary else nn.Identity()
        self.text_in = nn.Linear(config.text_width, D)
        if "video" in variant.makes:
            self.video_in = nn.Conv2d(inputs, D, patch, stride=patch)
        self.motion_in = nn.Linear(size, d_m)
        self.time_video = TimeEmbedding(D, E)
        self.time_motion = TimeEmbedding(D, E)
        self.blocks = nn.ModuleList(Block(config, with_motion=i < self.meeting) for i in range(depth))
        if "video" in variant.makes:
            self.video_norm = nn.LayerNorm(D)
            self.video_out = Output(D, E, channels * patch**2)
        if "motion" in variant.makes:
            self.motion_out = Output(d_m, E, size)
        self._place()
        self._initialise()

    def forward(
        self,
        text: Tensor,
        video: Tensor | None,
        motion: Tensor | None,
        t_video: Tensor,
        t_motion: Tensor,
        predict: tuple[Part, ...] = BOTH,
    ) -> Prediction:
        """One evaluation.

        Args:
            text: word ids (B, L_t), or encoder outputs (B, L_t, D_t).
            video: (B, K + 1, C_v, h, w), twice the channels where the first frame is concatenated; None leaves the
                branch out (text to motion).
            motion: (B, M, C_m); None leaves the branch out (text to video: exactly CogVideoX).
            t_video, t_motion: timesteps (B,). A first frame that is a token is clean, so its own timestep is 0, and
                so is that of the first pose. `t_video` (B, 2) says both: of the first frame, and of the others (the
                same twice: nothing is given, and the first frame is made like the others).
            predict: the modalities to predict; without "video" the upper half, which has no motion, is not computed.
        """
        branches = self._branches(text, video, motion, t_video, t_motion)
        for block in self.blocks[: self.meeting]:
            branches = self._through(block, branches)
        found_video = found_motion = None
        moved = branches.pop("motion", None)  # the motion leaves here
        if moved is not None and "motion" in self.variant.makes:
            found_motion = self.motion_out(moved)
        if "video" in branches and "video" in predict:
            for block in self.blocks[self.meeting :]:
                branches = self._through(block, branches)
            last = branches["video"]
            found_video = self._unpatch(self.video_out(replace(last, x=self.video_norm(last.x))))
        return Prediction(found_video, found_motion)

    def _through(self, block: nn.Module, branches: dict[str, Branch]) -> dict[str, Branch]:
        if self.recompute and torch.is_grad_enabled():
            return cast(dict[str, Branch], checkpoint(block, branches, self.attend, use_reentrant=False))
        return block(branches, self.attend)

    def _branches(
        self, text: Tensor, video: Tensor | None, motion: Tensor | None, t_video: Tensor, t_motion: Tensor
    ) -> dict[str, Branch]:
        """Tokens of the three branches in the order of the sequence: text | motion | video."""
        config = self.config
        if t_video.ndim == 1:
            clean = video is not None and config.first_frame == "token"
            t_video = torch.stack([torch.zeros_like(t_video) if clean else t_video, t_video], dim=1)
        e_video = self.time_video(t_video)  # (B, 2, E)
        words = self.text_in(self.words(text))
        if config.positions == "rope+learned":
            words = words + self.places[: config.text_tokens]
        branches = {"text": Branch(words, e_video, 0, None)}
        if motion is not None:
            e_motion = self.time_motion(torch.stack([torch.zeros_like(t_motion), t_motion], dim=1))
            poses = self.motion_in(motion)
            if config.positions == "sincos":
                poses = poses + self.places_motion
            branches["motion"] = Branch(poses, e_motion, 1, self.turns_motion)
        if video is not None:
            patches = self.video_in(video.flatten(0, 1))  # (B (K + 1), D, rows, columns)
            tokens = patches.flatten(2).transpose(1, 2).unflatten(0, video.shape[:2]).flatten(1, 2)  # (B, V, D)
            if config.positions == "sincos":
                tokens = tokens + self.places_video
            if config.positions == "rope+learned":
                tokens = tokens + self.places[config.text_tokens :]
            branches["video"] = Branch(tokens, e_video, tokens.shape[1] // config.latent_frames, self.turns_video)
        return branches

    def _unpatch(self, tokens: Tensor) -> Tensor:
        """(B, V, C p²) → (B, K + 1, C, h, w)."""
        rows, columns = self.config.token_grid
        p, c = self.config.patch, self.config.video_channels
        grid = tokens.unflatten(2, (c, p, p)).unflatten(1, (-1, rows, columns))  # B, K + 1, rows, columns, C, p, p
        return grid.permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4)

    def _place(self) -> None:
        """Tables of positions: buffers that are not saved."""
        config, variant = self.config, self.variant
        turns_motion, turns_video = rotary(config, variant)
        if config.positions == "sincos":  # the 2B model adds positions and turns nothing
            times = torch.arange(motion_tokens(config, variant)) / config.motion_rate
            self.register_buffer("places_video", sincos(config), persistent=False)
            self.register_buffer("places_motion", sinusoid(times, config.motion_width).float(), persistent=False)
            turns_motion = turns_video = None
        if config.positions == "rope+learned":
            tokens = config.text_tokens + config.latent_frames * config.token_grid[0] * config.token_grid[1]
            self.places = nn.Parameter(torch.zeros(tokens, config.width))
        self.register_buffer("turns_motion", turns_motion, persistent=False)
        self.register_buffer("turns_video", turns_video, persistent=False)

    @torch.no_grad()
    def _initialise(self) -> None:
        """Every block starts as the identity (its gates are 0), and the first prediction is 0."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and not name.startswith("words"):
                nn.init.xavier_uniform_(module.weight.view(len(module.weight), -1))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, AdaLN | Output):
                nn.init.zeros_(module.linear.weight)
        for part in self.variant.makes:
            nn.init.zeros_(getattr(self, f"{part}_out").out.weight)


def compile_blocks(model: EgoTwin) -> None:
    """Has torch compile the blocks, one graph for all that see the same shapes.

    Every row has a shape of its own, and one that torch takes for dynamic is slower; so none is.
    """
    from torch._dynamo import config as found  # takes seconds to import

    config: Any = found
    config.recompile_limit = max(64, config.recompile_limit)  # beyond it torch says a word and goes on without
    for block in model.blocks:
        block.compile(dynamic=False)


MOTION_PARTS = ("motion_in.", "time_motion.", "motion_out.")


VIDEO_PARTS = ("video_in.", "video_norm.", "video_out.")


def is_motion(name: str) -> bool:
    """Whether a parameter of the transformer belongs to the motion branch."""
    return name.startswith(MOTION_PARTS) or ".motion." in name


def is_video(name: str) -> bool:
    """Whether a parameter belongs to the video, or to a block that a row of motion alone may not have."""
    return name.startswith((*VIDEO_PARTS, "blocks."))
