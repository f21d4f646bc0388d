"""Control `nearest`: the training clip with the most similar caption. It shows what retrieval without a model
achieves."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from egobench import Condition, Motion, Sample

from .lookup import clip_of, rows_of

WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class NearestControl:
    """Finds one training clip by caption and returns its video and its motion, moved to the wearer's place.

    Captions are compared by the cosine of their word counts, weighted by inverse document frequency over the
    training split; ties go to the lowest clip id. Expected: real images and movement that fit the text; a
    first frame that does not fit, and a body that is not the wearer's.
    """

    is_control: ClassVar[bool] = True

    train_split: str = "egomini-train"
    """The training split: a catalogue name or a folder."""

    def load(self, device: str) -> "NearestControl":
        """Counts the words of the training captions."""
        del device  # no network
        _index(self.train_split)
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The nearest clip; every seed gives the same.

        Raises:
            ValueError: the training split has other rates or lengths than the condition asks for.
        """
        del seed  # nothing is random
        clip = clip_of(self.train_split, nearest_clip(self.train_split, condition.text))
        reference = clip.reference
        shape = (len(reference.video.frames), len(reference.motion.positions))
        if shape != (condition.num_video_frames, condition.num_motion_frames):
            raise ValueError(
                f"{self.train_split} has {shape} video and motion frames; the condition asks for "
                f"({condition.num_video_frames}, {condition.num_motion_frames})"
            )
        return Sample(reference.video, _moved_to(reference.motion, condition.first_pose))


def nearest_clip(train_split: str, text: str) -> str:
    """Clip id of the training clip with the nearest caption."""
    ids, vocabulary, weights, captions = _index(train_split)
    query = np.zeros(len(vocabulary))
    for word, count in Counter(WORD.findall(text.lower())).items():
        if word in vocabulary:
            query[vocabulary[word]] = count * weights[vocabulary[word]]
    similarity = np.round(captions @ query, 9)  # rounded so that a tie is a tie on every machine
    return ids[int(np.argmax(similarity))]


@lru_cache(maxsize=2)
def _index(train_split: str) -> tuple[list[str], dict[str, int], np.ndarray, csr_matrix]:
    rows = rows_of(train_split)
    counts = [Counter(WORD.findall(row.text.lower())) for row in rows]
    vocabulary = {word: place for place, word in enumerate(sorted(set().union(*counts)))}
    documents = Counter(word for count in counts for word in count)
    weights = np.array([1 + np.log(len(rows) / documents[word]) for word in vocabulary])
    words = [(place, vocabulary[word], n) for place, count in enumerate(counts) for word, n in count.items()]
    entries = [(place, word, n * weights[word]) for place, word, n in words]
    at, word, value = (np.array(column) for column in zip(*entries, strict=True))
    captions = csr_matrix((value, (at, word)), shape=(len(rows), len(vocabulary)))
    norms = np.sqrt(np.asarray(captions.multiply(captions).sum(axis=1)).ravel())
    return [row.clip_id for row in rows], vocabulary, weights, csr_matrix(captions.multiply(1 / norms[:, None]))


def _moved_to(motion: Motion, first_pose: Motion) -> Motion:
    """The motion turned about the vertical and shifted so that its root starts where the wearer's does."""
    turn = _heading(first_pose.rotations[0, 0]) - _heading(motion.rotations[0, 0])
    cos, sin = np.cos(turn), np.sin(turn)
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    start, target = motion.positions[0, 0] * [1, 1, 0], first_pose.positions[0, 0] * [1, 1, 0]
    return replace(
        motion, positions=(motion.positions - start) @ about_z.T + target, rotations=about_z @ motion.rotations
    )


def _heading(rotation: np.ndarray) -> float:
    """Angle of the root's forward axis in the floor plane, radians."""
    return float(np.arctan2(rotation[1, 0], rotation[0, 0]))
