"""Without motion the reference's transformer is CogVideoX: largest difference to diffusers' on random weights.

    python benchmarks/egotwin/cogvideox_equality.py

All parameters are drawn from N(0, 0.2²), so that no near-zero gate hides anything; the weights go through a folder in
diffusers' format, in two files, as the public ones do. Both networks compute in float32 and once more in float64.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from egotwin_ref.loading import cogvideox
from egotwin_ref.model.configs import VARIANTS, NetworkConfig
from egotwin_ref.model.network import EgoTwin

TINY = NetworkConfig(
    layers=4, heads=4, head_dim=16, motion_width=24, time_width=32, text_tokens=10, text_width=24, video_channels=16,
    latent_frames=5, latent_size=(8, 12), motion_channels=8, global_channels=8,
)  # fmt: skip
FAMILIES = {
    "2B": replace(TINY, positions="sincos"),
    "5B": replace(TINY, positions="rope", rope_grid=(4, 6)),
    "5B, square": replace(TINY, positions="rope", rope_grid=(4, 6), latent_size=(8, 8)),
    "5B-I2V": replace(TINY, positions="rope+learned", first_frame="concat", rope_grid=(4, 6)),
}
"""The three families; the second also at another size of the picture than it was made for."""
TIMESTEPS = (37, 901)


def theirs(config: NetworkConfig, seed: int = 0):
    """diffusers' network of a family, with random weights."""
    from diffusers import CogVideoXTransformer3DModel

    height, width = config.rope_grid or config.token_grid
    network = CogVideoXTransformer3DModel(
        num_attention_heads=config.heads, attention_head_dim=config.head_dim, num_layers=config.layers,
        in_channels=config.video_channels * (2 if config.first_frame == "concat" else 1),
        out_channels=config.video_channels, time_embed_dim=config.time_width, text_embed_dim=config.text_width,
        max_text_seq_length=config.text_tokens, sample_height=height * config.patch, sample_width=width * config.patch,
        sample_frames=4 * (config.latent_frames - 1) + 1, use_rotary_positional_embeddings=config.positions != "sincos",
        use_learned_positional_embeddings=config.positions == "rope+learned",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.state_dict().values():
            value.copy_(0.2 * torch.randn(value.shape, generator=generator))
    return network.eval()


def turns(config: NetworkConfig) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The rotary tables that diffusers' pipeline hands to its network."""
    from diffusers.models.embeddings import get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    if config.positions == "sincos":
        return None
    height, width = config.rope_grid or config.token_grid
    region = get_resize_crop_region_for_grid(config.token_grid, width, height)
    return get_3d_rotary_pos_embed(config.head_dim, region, config.token_grid, config.latent_frames)


@torch.no_grad()
def difference(config: NetworkConfig, dtype: torch.dtype = torch.float32) -> tuple[float, float]:
    """Largest absolute difference between the two predictions, and the standard deviation of theirs."""
    network = theirs(config)
    ours = EgoTwin(config, VARIANTS["egotwin"])
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder, max_shard_size="300KB")
        cogvideox.load(ours, Path(folder))
    network, ours = network.type(dtype), ours.eval().type(dtype)
    generator = torch.Generator().manual_seed(1)
    channels = config.video_channels * (2 if config.first_frame == "concat" else 1)
    video = torch.randn(2, config.latent_frames, channels, *config.latent_size, generator=generator).to(dtype)
    text = torch.randn(2, config.text_tokens, config.text_width, generator=generator).to(dtype)
    t = torch.tensor(TIMESTEPS)
    right = network(video, text, t, image_rotary_emb=turns(config)).sample
    prediction = ours(text, video, None, torch.stack([t, t], dim=1), t).video
    return float((prediction - right).abs().max()), float(right.std())


def main() -> None:
    print(f"{'family':<12}{'float32':>12}{'float64':>12}{'std of v':>12}")
    for family, config in FAMILIES.items():
        (single, spread), (double, _) = (difference(config, dtype) for dtype in (torch.float32, torch.float64))
        print(f"{family:<12}{single:>12.1e}{double:>12.1e}{spread:>12.2f}")


if __name__ == "__main__":
    main()
