"""The network of `motion-text`: a tower for motion frames and a tower for words, with one output space. Batch first.

Both are transformer encoders (arXiv 1706.03762, norm first) with sinusoidal position encodings, so any length works.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

WIDTH = 128
"""Number of features of each tower."""
LENGTH = 10.0
"""Euclidean length of a feature vector. So distances are between 0 and 20."""
MOTION_WIDTH, MOTION_LAYERS, TEXT_WIDTH, TEXT_LAYERS, HEADS = 128, 3, 128, 2, 4


class MotionTextNetwork(nn.Module):
    """Contrastive pair of towers. The statistics of the motion features are part of the weights."""

    def __init__(self, motion_features: int, vocabulary: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.mean = nn.Buffer(torch.zeros(motion_features))
        self.std = nn.Buffer(torch.ones(motion_features))
        self.stem = nn.Conv1d(motion_features, MOTION_WIDTH, 5, stride=3, padding=2)
        self.motion_encoder = _encoder(MOTION_WIDTH, MOTION_LAYERS, dropout)
        self.motion_head = nn.Linear(2 * MOTION_WIDTH, WIDTH)
        self.words = nn.Embedding(vocabulary, TEXT_WIDTH)
        self.text_encoder = _encoder(TEXT_WIDTH, TEXT_LAYERS, dropout)
        self.text_head = nn.Linear(TEXT_WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.log_scale = nn.Parameter(torch.tensor(2.6))
        nn.init.normal_(self.words.weight, std=0.5)

    def encode_motion(self, frames: Float[Tensor, "clip time feature"]) -> Float[Tensor, "clip width"]:
        """Features, of length `LENGTH`, of motions in the form of `MotionLayout.features`."""
        scaled = (frames - self.mean) / self.std
        states = self.stem(scaled.transpose(1, 2)).transpose(1, 2)
        states = self.motion_encoder(self.dropout(states + places(states.shape[1], MOTION_WIDTH, states)))
        pooled = torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=1)
        return LENGTH * nn.functional.normalize(self.motion_head(pooled).float(), dim=1)

    def encode_text(self, tokens: Int[Tensor, "clip token"]) -> Float[Tensor, "clip width"]:
        """Features, of length `LENGTH`, of captions. Tokens after the end token (the largest) are not read."""
        tokens = tokens[:, : int(tokens.argmax(dim=1).max()) + 1]
        places_of = torch.arange(tokens.shape[1], device=tokens.device)
        said: Bool[Tensor, "clip token"] = places_of <= tokens.argmax(dim=1)[:, None]
        states = self.words(tokens)
        states = self.dropout(states + places(states.shape[1], TEXT_WIDTH, states))
        states = self.text_encoder(states, src_key_padding_mask=~said) * said[:, :, None]
        pooled = states.sum(dim=1) / said.sum(dim=1, keepdim=True)
        return LENGTH * nn.functional.normalize(self.text_head(pooled).float(), dim=1)


def places(count: int, width: int, like: Tensor) -> Float[Tensor, "place width"]:
    """Sinusoidal position encodings of 1, 2, … `count`."""
    rates = torch.exp(-torch.arange(0, width, 2, device=like.device) * (6.9 / width))
    angles = torch.arange(count, device=like.device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)


def _encoder(width: int, layers: int, dropout: float) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        width, HEADS, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
