"""The three-branch diffusion transformer: text and video share CogVideoX's blocks, and motion joins in the lower half.

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
    """v of each modality that was to be predicted; see `egotwin_ref.model.diffusion`."""

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
        attention: how attention is computed; `egotwin_ref.model.attention` has three ways with the same result.
        recompute: see `Preset.recompute`.

    Raises:
        ValueError: the row's latents are wider than the motion branch, which could not output all of them.
    """

    rotary_motion: Tensor | None
    rotary_video: Tensor | None
    positions_motion: Tensor
    positions_video: Tensor

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
            raise ValueError(f"motion latents have {size} channels, but the motion branch has only width {d_m}")
        depth = config.layers if "video" in variant.makes else config.layers * 2 // 3
        """A row of motion alone has fewer blocks, because they are wider: it has no more parameters than other rows."""
        self.motion_blocks = config.layers // 2 if "video" in variant.makes else depth
        """Number of blocks that have motion."""
        self.words = TextEncoder(vocabulary, config.text_width, config.text_tokens) if vocabulary else nn.Identity()
        self.text_in = nn.Linear(config.text_width, D)
        if "video" in variant.makes:
            self.video_in = nn.Conv2d(inputs, D, patch, stride=patch)
        self.motion_in = nn.Linear(size, d_m)
        self.time_video = TimeEmbedding(D, E)
        self.time_motion = TimeEmbedding(D, E)
        self.blocks = nn.ModuleList(Block(config, with_motion=i < self.motion_blocks) for i in range(depth))
        if "video" in variant.makes:
            self.video_norm = nn.LayerNorm(D)
            self.video_out = Output(D, E, channels * patch**2)
        if "motion" in variant.makes:
            self.motion_out = Output(d_m, E, size)
        self._make_positions()
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
            video: (B, K + 1, C_v, h, w), with twice the channels where the first frame is concatenated; None leaves the
                branch out (text to motion).
            motion: (B, M, C_m); None leaves the branch out (text to video: exactly CogVideoX).
            t_video, t_motion: timesteps (B,). A first frame that is a token is clean and has timestep 0; so has the
                first pose. `t_video` (B, 2) gives both timesteps: that of the first frame, and that of the others. If
                they are equal, the first frame is generated like the others.
            predict: the modalities to predict; without "video" the upper half, which has no motion, is not computed.
        """
        branches = self._branches(text, video, motion, t_video, t_motion)
        for block in self.blocks[: self.motion_blocks]:
            branches = self._through(block, branches)
        v_video = v_motion = None
        motion_branch = branches.pop("motion", None)  # the upper half has no motion
        if motion_branch is not None and "motion" in self.variant.makes:
            v_motion = self.motion_out(motion_branch)
        if "video" in branches and "video" in predict:
            for block in self.blocks[self.motion_blocks :]:
                branches = self._through(block, branches)
            last = branches["video"]
            v_video = self._unpatch(self.video_out(replace(last, x=self.video_norm(last.x))))
        return Prediction(v_video, v_motion)

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
                poses = poses + self.positions_motion
            branches["motion"] = Branch(poses, e_motion, 1, self.rotary_motion)
        if video is not None:
            patches = self.video_in(video.flatten(0, 1))  # (B (K + 1), D, rows, columns)
            tokens = patches.flatten(2).transpose(1, 2).unflatten(0, video.shape[:2]).flatten(1, 2)  # (B, V, D)
            if config.positions == "sincos":
                tokens = tokens + self.positions_video
            if config.positions == "rope+learned":
                tokens = tokens + self.places[config.text_tokens :]
            branches["video"] = Branch(tokens, e_video, tokens.shape[1] // config.latent_frames, self.rotary_video)
        return branches

    def _unpatch(self, tokens: Tensor) -> Tensor:
        """(B, V, C p²) → (B, K + 1, C, h, w)."""
        rows, columns = self.config.token_grid
        p, c = self.config.patch, self.config.video_channels
        grid = tokens.unflatten(2, (c, p, p)).unflatten(1, (-1, rows, columns))  # B, K + 1, rows, columns, C, p, p
        return grid.permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4)

    def _make_positions(self) -> None:
        """Makes the tables of positions, as buffers that are not saved."""
        config, variant = self.config, self.variant
        rotary_motion, rotary_video = rotary(config, variant)
        if config.positions == "sincos":  # the 2B model adds positions and has no rotary code
            times = torch.arange(motion_tokens(config, variant)) / config.motion_rate
            self.register_buffer("positions_video", sincos(config), persistent=False)
            self.register_buffer("positions_motion", sinusoid(times, config.motion_width).float(), persistent=False)
            rotary_motion = rotary_video = None
        if config.positions == "rope+learned":
            tokens = config.text_tokens + config.latent_frames * config.token_grid[0] * config.token_grid[1]
            self.places = nn.Parameter(torch.zeros(tokens, config.width))
        self.register_buffer("rotary_motion", rotary_motion, persistent=False)
        self.register_buffer("rotary_video", rotary_video, persistent=False)

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
    """Has torch compile the blocks, with one graph for all blocks of the same shapes.

    Every row has its own shapes. A shape that torch takes for dynamic is slower, so all shapes are static.
    """
    from torch._dynamo import config as dynamo_config  # the import takes seconds

    config: Any = dynamo_config
    config.recompile_limit = max(64, config.recompile_limit)  # beyond this limit torch warns and does not compile
    for block in model.blocks:
        block.compile(dynamic=False)


MOTION_PARTS = ("motion_in.", "time_motion.", "motion_out.")
VIDEO_PARTS = ("video_in.", "video_norm.", "video_out.")


def is_motion(name: str) -> bool:
    """Whether a parameter of the transformer belongs to the motion branch."""
    return name.startswith(MOTION_PARTS) or ".motion." in name


def is_video(name: str) -> bool:
    """Whether a parameter belongs to the video, or to a block, which a row of motion alone may lack."""
    return name.startswith((*VIDEO_PARTS, "blocks."))
