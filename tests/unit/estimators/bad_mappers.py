"""What may stand in the mapper's process instead of the mapper."""

import os
import time

import numpy as np


def aborts(*_):
    """As native code does when a check of its own fails."""
    os.abort()


def sleeps(*_):
    """Longer than any limit."""
    time.sleep(60)


def computes(*_):
    """For ever."""
    while True:
        pass


def raises(*_):
    """An error that Python knows."""
    raise ValueError("no such\nthing")


def turned_away(frames, mask, params, seed, gpu):
    """All frames registered, each turned by as many degrees as its number: wrong, and sure of it."""
    angles = np.radians(5.0 * np.arange(len(frames)))
    poses = np.tile(np.eye(4), (len(frames), 1, 1))
    poses[:, 0, 0] = poses[:, 1, 1] = np.cos(angles)
    poses[:, 1, 0] = np.sin(angles)
    poses[:, 0, 1] = -np.sin(angles)
    return {"T_world_camera": poses, "registered": np.ones(len(frames), bool), "focal_ratio": None, "reason": ""}


def few_frames(frames, mask, params, seed, gpu):
    """The right turns of `scenes.walking`, of its first four frames only."""
    from scenes import walking

    poses = walking(len(frames))
    registered = np.arange(len(frames)) < 4
    poses[~registered] = np.eye(4)
    return {"T_world_camera": poses, "registered": registered, "focal_ratio": 1.0, "reason": ""}


def no_gpu():
    """As `gpu_flaw` says it."""
    return "there is no GPU here"
