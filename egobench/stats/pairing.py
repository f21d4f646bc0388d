"""Pairings of clips: partners for the shuffled control, and halves for the floor of set metrics.

Both work by sequence, since two windows of one recording are not independent.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from egobench.errors import BadInputError

SHUFFLE_SEED = 2508
"""Seed of the shuffled control on every split, so that chance is the same for every run."""


def shuffled_partners(sequences: Sequence[str], seed: int) -> tuple[Int[np.ndarray, " clip"], Int[np.ndarray, " clip"]]:
    """Another sequence's video and a third one's motion for every clip; each clip's are used exactly once.

    Clips are placed in a ring, sequence by sequence in random order; video and motion are taken at two distances along
    the ring. Text, video and motion come from three different sequences for every clip if and only if no sequence has
    more than a third of the clips: a sequence of s clips needs s places each for its texts, its videos and its motions.

    Args:
        sequences: name of each clip's sequence, clips in split order.
        seed: seed of the pairing.

    Returns:
        (video, motion): permutations; clip i is shown with the video of clip `video[i]` and the motion of `motion[i]`.

    Raises:
        BadInputError: a sequence holds more than a third of the clips (so also fewer than three sequences).
    """
    total = len(sequences)
    name, largest = Counter(sequences).most_common(1)[0] if total else ("none", 0)
    if total == 0 or 3 * largest > total:
        raise BadInputError(
            f"shuffling pairs every clip with two other sequences: sequence '{name}' holds {largest} of {total} clips "
            f"({len(set(sequences))} sequences); none may hold more than a third",
            code="pairing-impossible",
        )
    rng = np.random.default_rng(seed)
    names, owner = np.unique(np.asarray(sequences), return_inverse=True)
    ring = np.lexsort((rng.random(total), rng.permutation(len(names))[owner]))
    step_video = rng.integers(largest, total - 2 * largest + 1)
    step_motion = rng.integers(step_video + largest, total - largest + 1)
    steps = rng.permutation([step_video, step_motion])
    partners = np.empty((2, total), dtype=np.int64)
    for row, step in zip(partners, steps, strict=True):
        row[ring] = np.roll(ring, -step)
    return partners[0], partners[1]


def disjoint_halves(sequences: Sequence[str], seed: int) -> tuple[Bool[np.ndarray, " clip"], Bool[np.ndarray, " clip"]]:
    """Two masks that share no sequence and cover all clips; a greedy choice makes their sizes nearly equal.

    Raises:
        BadInputError: fewer than two sequences.
    """
    sizes = Counter(sequences)
    if len(sizes) < 2:
        raise BadInputError(f"two halves need two sequences; found {len(sizes)}", code="pairing-impossible")
    rng = np.random.default_rng(seed)
    order = [str(name) for name in rng.permutation(sorted(sizes))]
    order.sort(key=lambda name: -sizes[name])  # stable: equal sizes stay in random order
    halves: tuple[list[str], list[str]] = ([], [])
    clips = [0, 0]
    for name in order:
        side = int(clips[1] < clips[0])
        halves[side].append(name)
        clips[side] += sizes[name]
    first = np.isin(np.asarray(sequences), halves[0])
    return first, ~first
