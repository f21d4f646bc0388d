"""Retrieval in pools: by hand, its laws, other libraries, refusals."""

import math

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.stats.retrieval import draw_pools, retrieve


def names(number):
    return [f"clip-{k:03d}" for k in range(number)]


def pairs(number, d=16, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    text = rng.normal(size=(number, d))
    return text, text + noise * rng.normal(size=(number, d))


def values(*arguments, **options):
    return retrieve(*arguments, **options).hits.mean(axis=0)


# by hand


def test_one_pool_of_four_by_hand():
    # captions at 0, 1, 2, 3; motions at 0.4, 3.1, 1.6, 2.9.
    # 0: own 0.4 is nearest, rank 1.   1: |1-3.1| is 2.1, behind 0.6, 0.6, 1.9: rank 4.
    # 2: own 0.4 away is nearest.      3: both 0.1 away, ranks 1 and 2 shared: half.
    text, motion = np.array([[0.0], [1], [2], [3]]), np.array([[0.4], [3.125], [1.6], [2.875]])
    found = retrieve(text, motion, names(4), list("abcd"), pool=4, replications=1)
    np.testing.assert_allclose(found.hits, [[1, 1, 1], [0, 0, 0], [1, 1, 1], [0.5, 1, 1]])
    np.testing.assert_allclose(found.chance, [1 / 4, 2 / 4, 3 / 4])
    assert found.identical == 0


def test_an_identical_caption_is_right_when_collapsed_and_wrong_when_strict_by_hand():
    # both "a" have their text at 0; their motions at 5 and 1, the third's at 2: the first's own is the last of three
    text, motion = np.array([[0.0], [0], [2]]), np.array([[5.0], [1], [2]])
    asked = text, motion, names(3), ["a", "a", "b"]
    collapsed = retrieve(*asked, pool=3, replications=1, top=2)
    np.testing.assert_allclose(collapsed.hits, [[1, 1], [1, 1], [1, 1]])
    np.testing.assert_allclose(collapsed.chance, [(2 / 3 + 2 / 3 + 1 / 3) / 3, (1 + 1 + 2 / 3) / 3])
    strict = retrieve(*asked, pool=3, replications=1, top=2, identical="strict")
    np.testing.assert_allclose(strict.hits, [[0, 0], [1, 1], [1, 1]])
    np.testing.assert_allclose(strict.chance, [1 / 3, 2 / 3])
    assert collapsed.identical == strict.identical == pytest.approx(2 / 3)


# theory


@pytest.mark.parametrize("number", [32, 33, 50, 63, 64, 100])
def test_every_clip_is_a_query_exactly_once_and_no_pool_holds_one_twice(number):
    pools, is_first = draw_pools(names(number), 32, replications=5, seed=1)
    assert pools.shape == is_first.shape == (5 * math.ceil(number / 32), 32)
    for part, first in zip(np.split(pools, 5), np.split(is_first, 5), strict=True):
        assert sorted(part[first].tolist()) == list(range(number))
        assert all(len(set(pool.tolist())) == 32 for pool in part)


def test_pools_depend_on_clip_ids_and_seed_and_a_lost_clip_leaves_others_nearly_as_they_were():
    ids = names(320)
    pools, _ = draw_pools(ids, 32, 3, seed=0)
    assert (draw_pools(ids, 32, 3, seed=0)[0] == pools).all()
    assert not (draw_pools(ids, 32, 3, seed=1)[0] == pools).all()
    assert not (pools[:10] == pools[10:20]).all()
    fewer = ids[:7] + ids[8:]
    old = [{ids[k] for k in pool} for pool in pools]
    new = [{fewer[k] for k in pool} for pool in draw_pools(fewer, 32, 3, seed=0)[0]]
    assert all(len(before & after) >= 31 for before, after in zip(old, new, strict=True))


def test_the_captions_own_features_as_motions_are_always_found():
    text, _ = pairs(100, d=512)
    found = retrieve(text.astype("f4"), text.astype("f4"), names(100), names(100))
    assert (found.hits == 1.0).all()
    assert (found.by_replication == 1.0).all()


def test_shuffled_captions_are_at_chance():
    text, motion = pairs(600, noise=0.1)
    motion = motion[np.random.default_rng(1).permutation(600)]
    found = retrieve(text, motion, names(600), names(600))
    np.testing.assert_allclose(found.chance, [1 / 32, 2 / 32, 3 / 32])
    low, high = cluster_mean_interval(found.hits[:, 2], np.arange(600), 500, 0)
    assert low < found.chance[2] < high


@pytest.mark.parametrize("identical", ["collapse", "strict"])
def test_a_constant_motion_scores_exactly_chance_because_ties_are_averaged(identical):
    text, _ = pairs(70, d=64)
    captions = [f"caption {k % 50}" for k in range(70)]
    found = retrieve(text, np.full((70, 64), 0.1), names(70), captions, identical=identical)
    np.testing.assert_allclose(found.hits.mean(axis=0), found.chance, rtol=1e-12)
    assert (found.chance[2] > 3 / 32) == (identical == "collapse")


def test_identical_captions_raise_value_and_chance_together():
    text, motion = pairs(128, noise=3.0)
    text[64:] = text[:64]
    captions = names(64) * 2
    collapsed = retrieve(text, motion, names(128), captions)
    strict = retrieve(text, motion, names(128), captions, identical="strict")
    assert (collapsed.hits >= strict.hits).all()
    assert (collapsed.chance > strict.chance).all()
    assert 0.1 < collapsed.identical < 0.4  # 31 of 127 others sit in one's pool, one of them has one's caption: 0.24


def test_the_order_of_rows_changes_nothing():
    text, motion = pairs(75)
    captions = [f"caption {k % 60}" for k in range(75)]
    order = np.random.default_rng(2).permutation(75)
    found = retrieve(text, motion, names(75), captions)
    other = retrieve(text[order], motion[order], [names(75)[k] for k in order], [captions[k] for k in order])
    np.testing.assert_allclose(other.hits, found.hits[order], atol=1e-12)
    np.testing.assert_allclose(other.by_replication, found.by_replication, atol=1e-12)


def test_turning_shifting_and_scaling_the_features_changes_nothing():
    text, motion = pairs(64)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(16, 16)))
    expected = values(text, motion, names(64), names(64))
    for moved in ((text @ turn, motion @ turn), (text + 1e3, motion + 1e3), (text * 1e-6, motion * 1e-6)):
        np.testing.assert_allclose(values(*moved, names(64), names(64)), expected, atol=1e-12)


def test_two_seeds_of_a_clip_are_asked_in_the_same_pools_and_never_against_each_other():
    text, motion = pairs(64, noise=2.0)
    one = retrieve(text, motion, names(64), names(64))
    twice = [np.repeat(side, 2, axis=0) for side in (text, motion)]
    ids = [clip for clip in names(64) for _ in range(2)]
    both = retrieve(*twice, ids, ids)
    np.testing.assert_allclose(both.hits, np.repeat(one.hits, 2, axis=0), atol=1e-12)
    np.testing.assert_allclose(both.chance, one.chance)
    lost = [k for k in range(128) if k % 2 == 0 or k < 100]  # fourteen clips have one seed only
    fewer = retrieve(*(side[lost] for side in twice), [ids[k] for k in lost], [ids[k] for k in lost])
    np.testing.assert_allclose(fewer.hits, both.hits[lost], atol=1e-12)


def test_more_noise_finds_less():
    found = [values(*pairs(256, noise=noise), names(256), names(256))[2] for noise in (0.5, 2.0, 4.0, 16.0)]
    assert (np.diff(found) < 0).all()


# outside witness


def test_scikit_learns_ranking_agrees_pool_by_pool():
    from sklearn.metrics import top_k_accuracy_score
    from sklearn.metrics.pairwise import euclidean_distances

    text, motion = pairs(96, noise=2.0)
    pools, _ = draw_pools(names(96), 32, 20, seed=0)
    expected = np.zeros((len(pools), 3))
    for place, pool in enumerate(pools):
        nearness = -euclidean_distances(text[pool], motion[pool])
        expected[place] = [top_k_accuracy_score(np.arange(32), nearness, k=k) for k in (1, 2, 3)]
    np.testing.assert_allclose(values(text, motion, names(96), names(96)), expected.mean(axis=0), atol=1e-12)


def test_torchmetrics_hit_rate_agrees():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.retrieval")
    text, motion = pairs(32, noise=2.0)
    distances = torch.cdist(torch.from_numpy(text), torch.from_numpy(motion))
    found = values(text, motion, names(32), names(32), replications=1)
    for k in (1, 2, 3):
        hits = [functional.retrieval_hit_rate(-row, torch.arange(32) == i, top_k=k) for i, row in enumerate(distances)]
        assert found[k - 1] == pytest.approx(float(torch.stack(hits).mean()))


# bad input

TEXT, MOTION = pairs(40)


@pytest.mark.parametrize(
    ("text", "motion", "clips", "captions", "code"),
    [
        (TEXT[:31], MOTION[:31], names(31), names(31), "features-clips"),
        (TEXT, MOTION, ["one"] * 40, names(40), "features-clips"),
        (TEXT, MOTION, names(39), names(40), "features-clips"),
        (TEXT, MOTION, names(40), names(39), "features-clips"),
        (TEXT, MOTION[:39], names(40), names(40), "features-clips"),
        (TEXT, MOTION[:, :5], names(40), names(40), "features-dimension"),
        (TEXT[0], MOTION[0], names(40), names(40), "features-dimension"),
        (TEXT * np.nan, MOTION, names(40), names(40), "features-nonfinite"),
        (TEXT, np.where(MOTION > 2, np.inf, MOTION), names(40), names(40), "features-nonfinite"),
        (np.ones_like(TEXT), MOTION, names(40), names(40), "features-constant"),
    ],
)
def test_rubbish_is_refused_with_a_code_in_one_line(text, motion, clips, captions, code):
    with pytest.raises(BadInputError) as caught:
        retrieve(text, motion, clips, captions)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
