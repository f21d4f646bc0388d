"""Where the video VAE's training looks: the share of windows that show a hand, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from egotwin_ref.training.clips import LEAST_HAND
from egotwin_ref.training.vae_losses import WINDOW, VideoVAELoss

HANDS = 0.4
"""The loss's own share."""

CLIPS, FRAMES, BATCH = 5, 41, 20_000
STARTS = FRAMES - WINDOW + 1


def places(hands: np.ndarray, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clip and first frame of many windows."""
    vae = SimpleNamespace(device=torch.device("cpu"))
    loss = VideoVAELoss(vae, np.zeros((CLIPS, FRAMES, 2, 2, 3), np.uint8), hands, BATCH)
    return loss.places(torch.Generator().manual_seed(seed))


def hands_at(*shown: tuple[int, int], share: float = 0.1) -> np.ndarray:
    """Shares of pixels (CLIPS, FRAMES, 2): the right hand in these frames of these clips, and nowhere else."""
    hands = np.zeros((CLIPS, FRAMES, 2), np.float32)
    for clip, frame in shown:
        hands[clip, frame, 1] = share
    return hands


def show(clips: torch.Tensor, starts: torch.Tensor, clip: int, frame: int) -> torch.Tensor:
    """Whether a window contains this frame of this clip."""
    return (clips == clip) & (starts <= frame) & (frame < starts + WINDOW)


@pytest.mark.parametrize("frame", [0, 20, 40])
def test_windows_show_the_one_hand_as_often_as_said_and_by_chance_beside(frame):
    clips, starts = places(hands_at((3, frame)))
    by_chance = sum(start <= frame < start + WINDOW for start in range(STARTS)) / STARTS / CLIPS
    share = float(show(clips, starts, 3, frame).float().mean())
    assert share == pytest.approx(HANDS + (1 - HANDS) * by_chance, abs=0.01)
    assert starts.min() == 0
    assert starts.max() == STARTS - 1


def test_a_hand_is_seen_at_every_place_of_a_window_alike():
    clips, starts = places(hands_at((3, 20)))
    here = (20 - starts)[show(clips, starts, 3, 20)]
    counts = torch.bincount(here, minlength=WINDOW) / len(here)
    assert counts.shape == (WINDOW,)
    torch.testing.assert_close(counts, torch.full((WINDOW,), 1 / WINDOW), atol=0.012, rtol=0)


def test_frames_with_a_hand_are_drawn_alike_however_few_a_clip_has():
    clips, _ = places(hands_at((1, 10), (4, 20), (4, 21), (4, 22)))
    counts = torch.bincount(clips, minlength=CLIPS) / BATCH
    by_chance = (1 - HANDS) / CLIPS
    right = [by_chance + HANDS * share for share in (0, 1 / 4, 0, 0, 3 / 4)]
    torch.testing.assert_close(counts, torch.tensor(right), atol=0.015, rtol=0)


@pytest.mark.parametrize("hands", [hands_at(), hands_at((3, 20), share=LEAST_HAND / 2)], ids=["none", "too small"])
def test_without_a_hand_windows_are_drawn_anywhere_alike(hands):
    clips, starts = places(hands)
    for found, count in ((clips, CLIPS), (starts, STARTS)):
        torch.testing.assert_close(
            torch.bincount(found, minlength=count) / BATCH, torch.full((count,), 1 / count), atol=0.012, rtol=0
        )
