"""Retrieval in pools: whether a caption's own motion is among the nearest of 32. Text is the query, motions the pool.

R-Precision of Guo et al. 2022 (CVPR, HumanML3D), without some of its pitfalls: pools are drawn by clip id and seed, not
by the order of rows; every clip is a query equally often; ties are averaged; identical captions have a policy.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from egobench.errors import BadInputError

POOL = 32
REPLICATIONS = 20
TOP = 3
CHUNK = 64
"""Number of pools whose rows are in memory at the same time."""
TIE = 1e-12
"""Squared distances that differ by less than this share of the squared norms are ties, since they differ by rounding
only."""
Take = Callable[[np.ndarray], np.ndarray]
"""Reads the features (…, feature) of the rows at places (…)."""
Identical = Literal["collapse", "strict"]
"""Whether motions of another clip with the same caption are right answers (`collapse`) or wrong ones (`strict`)."""


@dataclass(frozen=True)
class Retrieval:
    """Outcome of all queries; index `k - 1` means "among the first k"."""

    hits: Float[np.ndarray, "row top"]
    """Per row, the share of replications in which its motion was among the first k; 0 … 1."""
    chance: Float[np.ndarray, " top"]
    """The same for motions in random order, over the same pools: k / pool, and more if a pool has identical captions
    that count as correct."""
    by_replication: Float[np.ndarray, "replication top"]
    """Mean over rows of each replication."""
    identical: float
    """Share of the queries whose pool has their caption a second time; 0 … 1."""


@dataclass(frozen=True)
class _Layout:
    """Which row represents which clip."""

    rows: Int[np.ndarray, "layer clip"]
    """Layer l has the l-th row of every clip; a clip with fewer rows has one of its others, as a candidate only."""
    is_query: Bool[np.ndarray, "layer clip"]


def retrieve(
    text: np.ndarray,
    motion: np.ndarray,
    clips: Sequence[str],
    captions: Sequence[str],
    *,
    pool: int = POOL,
    replications: int = REPLICATIONS,
    top: int = TOP,
    seed: int = 0,
    identical: Identical = "collapse",
) -> Retrieval:
    """Ranks the motions of each pool by Euclidean distance to each of its captions.

    Rows of one clip (several seeds) never share a pool: the first rows of all clips make one layer, the second rows the
    next, each with the same pools. The order of different clips' rows does not matter.

    Args:
        text: (row, feature) features of each row's caption.
        motion: (row, feature) features of each row's motion.
        clips: (row,) clip id.
        captions: (row,) the captions, which show identical ones.
        pool: candidates per query.
        replications: independent partitions into pools.
        top: largest k.
        seed: seed of the pools; equal seeds and clips draw equal pools, whatever is scored.
        identical: whether a motion of another clip with the same caption is a right answer.

    Raises:
        BadInputError: `features-clips` (lengths differ, or fewer clips than a pool), `features-dimension`,
            `features-nonfinite`, `features-constant` (different captions, one feature).
    """
    text, motion = np.asarray(text, dtype=np.float64), np.asarray(motion, dtype=np.float64)
    _check(text, motion, clips, captions, pool)
    caption = np.unique(np.asarray(captions, dtype=str), return_inverse=True)[1]
    centre = motion.mean(axis=0)  # distances stay the same, with less rounding
    text, motion = text - centre, motion - centre
    taken = text.__getitem__, motion.__getitem__
    how = {"pool": pool, "replications": replications, "top": top, "seed": seed}
    return _over_pools(*taken, clips, caption, **how, identical=identical)


def retrieve_large(
    text: Take,
    motion: Take,
    clips: Sequence[str],
    captions: Iterable[str],
    centre: Float[np.ndarray, " feature"],
    *,
    seed: int = 0,
    identical: Identical = "collapse",
) -> Retrieval:
    """As `retrieve`, of features that do not fit into memory, in its pools, replications and largest k.

    Args:
        text: reads the features (…, feature) of the captions of rows at places (…).
        motion: the same of the motions.
        captions: (row,) read once; two of one million differ and count as the same with a chance of 3e-8.
        centre: mean of the motions.

    Raises:
        BadInputError: `features-clips`.
    """
    if len(set(clips)) < POOL:
        few = f"{len(set(clips))} clips; pools of {POOL} need at least as many"
        raise BadInputError(few, code="features-clips")
    digests = (hashlib.blake2b(each.encode(), digest_size=8).digest() for each in captions)
    caption = np.frombuffer(b"".join(digests), dtype="<i8")
    taken = (lambda places: text(places) - centre), (lambda places: motion(places) - centre)
    how = {"pool": POOL, "replications": REPLICATIONS, "top": TOP, "seed": seed}
    return _over_pools(*taken, clips, caption, **how, identical=identical)


def _over_pools(
    text: Take,
    motion: Take,
    clips: Sequence[str],
    caption: Int[np.ndarray, " row"],
    *,
    pool: int,
    replications: int,
    top: int,
    seed: int,
    identical: Identical,
) -> Retrieval:
    names, owner = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    layout = _layers(owner, len(names))
    pools, is_first = draw_pools([str(name) for name in names], pool, replications, seed)
    hits, met, chance = np.zeros((len(clips), top)), 0.0, np.zeros(top)
    by_replication = np.zeros((replications, top))
    per_replication = len(pools) // replications
    for rows, is_query in zip(layout.rows, layout.is_query, strict=True):
        for start in range(0, len(pools), CHUNK):
            chosen = pools[start : start + CHUNK]
            members = rows[chosen]
            is_asked = is_query[chosen] & is_first[start : start + CHUNK]
            success, by_luck, is_shared = _successes(text(members), motion(members), caption[members], top, identical)
            np.add.at(hits, members[is_asked], success[is_asked])
            chance += by_luck[is_asked].sum(axis=0)
            met += float(is_shared[is_asked].sum())
            place = (start + np.arange(len(chosen))) // per_replication
            np.add.at(by_replication, place, np.where(is_asked[..., None], success, 0.0).sum(axis=1))
    queries = len(clips) * replications
    return Retrieval(hits / replications, chance / queries, by_replication / len(clips), met / queries)


def draw_pools(
    clips: Sequence[str], pool: int, replications: int, seed: int
) -> tuple[Int[np.ndarray, "pools pool"], Bool[np.ndarray, "pools pool"]]:
    """Partitions of the clips into pools, replication after replication.

    A clip's place is the rank of a hash of its id, the seed and the replication. So a lost clip moves the following
    clips by one place, and the pools change little. The last pool is filled up with the first clips, as candidates
    only.

    Returns:
        (members, is_first): indices into `clips`, and False for clips that only fill up; so every clip is True exactly
        once in a replication.
    """
    ranks = np.empty((len(clips), replications), dtype="<u8")
    for place, clip in enumerate(clips):
        ranks[place] = np.frombuffer(hashlib.shake_256(f"{seed}/{clip}".encode()).digest(8 * replications), dtype="<u8")
    size = -(-len(clips) // pool) * pool
    filled = np.empty((replications, size), dtype=np.int64)
    for replication in range(replications):
        order = np.argsort(ranks[:, replication], kind="stable")
        filled[replication] = np.concatenate([order, order[: size - len(clips)]])
    is_first = np.broadcast_to(np.arange(size) < len(clips), filled.shape)
    return filled.reshape(-1, pool), is_first.reshape(-1, pool)


def _successes(
    text: Float[np.ndarray, "pools pool feature"],
    motion: Float[np.ndarray, "pools pool feature"],
    caption: Int[np.ndarray, "pools pool"],
    top: int,
    identical: Identical,
) -> tuple[Float[np.ndarray, "pools pool top"], Float[np.ndarray, "pools pool top"], Bool[np.ndarray, "pools pool"]]:
    """Per query: success among the first 1 … top, the same by chance, and whether its caption is in the pool twice."""
    size = text.shape[1]
    texts, motions = np.sum(text**2, axis=-1)[:, :, None], np.sum(motion**2, axis=-1)[:, None, :]
    squared = np.maximum(texts + motions - 2.0 * text @ motion.transpose(0, 2, 1), 0.0)
    same = caption[:, :, None] == caption[:, None, :]
    is_right = same if identical == "collapse" else np.broadcast_to(np.eye(size, dtype=bool), same.shape)
    distances = squared - np.min(np.where(is_right, squared, np.inf), axis=-1, keepdims=True)
    tolerance = TIE * (texts + motions.max(axis=-1, keepdims=True))
    is_tied = np.abs(distances) <= tolerance
    ahead = np.sum((distances < -tolerance) & ~is_right, axis=-1)
    wrong, right = np.sum(is_tied & ~is_right, axis=-1), np.sum(is_tied & is_right, axis=-1)
    number_right = np.sum(is_right, axis=-1)
    by_luck = _share_of_hits(np.zeros_like(ahead), size - number_right, number_right, top)
    return _share_of_hits(ahead, wrong, right, top), by_luck, same.sum(axis=-1) > 1


def _share_of_hits(
    ahead: Int[np.ndarray, "*query"], wrong: Int[np.ndarray, "*query"], right: Int[np.ndarray, "*query"], top: int
) -> Float[np.ndarray, "*query top"]:
    """The share of orders of the tied block (after `ahead` others) with a right answer among the first 1 … top."""
    shares = []
    for k in range(1, top + 1):
        missed = np.ones(ahead.shape)
        for drawn in range(k):
            share = np.maximum(wrong - drawn, 0) / np.maximum(wrong + right - drawn, 1)
            missed = np.where(drawn < k - ahead, missed * share, missed)
        shares.append(1.0 - missed)
    return np.stack(shares, axis=-1)


def _layers(owner: Int[np.ndarray, " row"], num_clips: int) -> _Layout:
    counts = np.bincount(owner, minlength=num_clips)
    by_clip = np.split(np.argsort(owner, kind="stable"), np.cumsum(counts)[:-1])
    layers = np.arange(counts.max())
    rows = np.stack([own[layers % len(own)] for own in by_clip], axis=1)
    return _Layout(rows, layers[:, None] < counts[None, :])


def _check(text: np.ndarray, motion: np.ndarray, clips: Sequence[str], captions: Sequence[str], pool: int) -> None:
    if text.ndim != 2 or motion.ndim != 2 or text.shape[1] != motion.shape[1]:
        raise BadInputError(
            f"text and motion features must be (rows, features) of one length: found {text.shape} and {motion.shape}; "
            "both must come from one extractor",
            code="features-dimension",
        )
    if not len(text) == len(motion) == len(clips) == len(captions):
        raise BadInputError(
            f"{len(text)} texts, {len(motion)} motions, {len(clips)} clip ids, {len(captions)} captions; one of each "
            "per row is needed",
            code="features-clips",
        )
    for name, features in _named(text, motion):
        if not np.isfinite(features).all():
            row = int(np.argwhere(~np.isfinite(features))[0, 0])
            raise BadInputError(f"{name} features are not finite; first in row {row}", code="features-nonfinite")
    if len(set(clips)) < pool or pool < 2:
        raise BadInputError(f"{len(set(clips))} clips; pools of {pool} need at least as many", code="features-clips")
    if len(set(captions)) > 1 and not np.ptp(text, axis=0).any():
        raise BadInputError(
            f"{len(set(captions))} different captions have one and the same feature (is the extractor broken?)",
            code="features-constant",
        )


def _named(text: np.ndarray, motion: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "text", text
    yield "motion", motion
