"""What the rows of the table take: trainings, evaluations, seconds, by hand and against the network's own count."""

import csv

import pytest

pytest.importorskip("torch")

import torch

from egotwin_ref.model.configs import VARIANTS
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.sampling import Given, Guidance, sample
from egotwin_ref.table.plan import (
    ROWS,
    Log,
    TableRow,
    evaluations,
    grid_evaluations,
    like,
    pace_of,
    remaining_seconds,
    sampling_seconds,
    task_of,
    works_of,
)
from egotwin_ref.training.recipes import MINI, SMALL

EGOTWIN = ROWS[0]


def log(folder, steps, seconds, pace):
    folder.mkdir(parents=True)
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [("step", "loss", "samples_per_s", "seconds"), (1, 0.5, 1.0, 1.0), (steps, 0.4, pace, seconds)]
        )


def test_every_row_stands_in_the_table_once_and_second_seeds_come_last():
    first = [row.variant for row in ROWS if row.seed == 0]
    assert sorted(first) == sorted(VARIANTS)
    assert [row.name for row in ROWS[len(first) :]] == ["egotwin-seed1", "vidmld-seed1"]


def test_samples_of_a_row_are_steps_times_batch():
    found = [(work.folder, work.samples, work.shared) for work in works_of(EGOTWIN, "small", SMALL)]
    assert found == [
        ("video-vae", 48_000, True),
        ("motion-vae-head-conv", 192_000, True),
        ("stage0", 300_800, True),
        ("egotwin/stage2", 19_200, False),
        ("egotwin/stage3", 64_000, False),
    ]


def test_a_row_with_coarse_patches_has_both_halves_of_stage_3():
    found = [(work.folder, work.kind) for work in works_of(TableRow("wo-im", "w/o IM", 1), "mini", MINI)][-2:]
    assert found == [("wo-im-seed1/stage3-coarse", "joint"), ("wo-im-seed1/stage3", "fine")]


def test_a_row_whose_motion_is_given_trains_neither_a_motion_vae_nor_stage_2():
    row = TableRow("cameractrl", "CameraCtrl")
    assert [work.kind for work in works_of(row, "small", SMALL)] == ["video_vae", "base", "joint"]
    assert (task_of("cameractrl"), task_of("mld"), task_of("egotwin")) == ("tm2v", "t2vm", "t2vm")


@pytest.mark.parametrize("row", ["egotwin", "vidmld", "mld", "cameractrl"])
@pytest.mark.parametrize("pair", [(1, 1), (2, 1), (1, 2), (2, 2), (2, 3)])
def test_a_step_takes_as_many_evaluations_as_the_sampler_asks_of_the_network(network, tiny, row, pair):
    variant, guidance = VARIANTS[row], Guidance(*pair)
    model = network(row, motion_width=72)  # a given path has 72 numbers a token
    asked = []
    model.register_forward_pre_hook(lambda *_: asked.append(1))
    text = torch.zeros(1, tiny.text_tokens, tiny.text_width)
    video = torch.zeros(1, tiny.latent_frames, tiny.video_channels, *tiny.latent_size)
    motion = torch.zeros(1, 2 if variant.tokens == "global" else 7, tiny.motion_size(variant))
    given = Given(text, text, video, motion)
    sample(model, Schedule.cogvideox(), given, [0], task_of(row), steps=2, guidance=guidance)
    assert len(asked) == 2 * evaluations(variant, task_of(row), guidance)


def test_the_grid_of_a_row_without_a_partner_is_one_plain_and_four_guided_pairs():
    assert grid_evaluations(VARIANTS["vidmld"], "t2vm") == 1 + 4 * 2
    # w_t ≠ 1: text or none with both unknown ways, and both as they are: 5; w_t = 1.5 ≠ w_p = 2, 3 as well
    assert grid_evaluations(VARIANTS["egotwin"], "t2vm") == 1 + 4 * 5 + 2 * 5


def test_sampling_is_a_third_of_a_trainings_sample_for_each_evaluation_and_the_scores():
    assert sampling_seconds(10, 20, 3, samples_per_s=5.0) == pytest.approx(10 * (20 * 3 / 15 + 0.3))


def test_a_trainings_own_log_says_its_pace_before_a_row_like_it_and_what_was_measured(tmp_path):
    work = works_of(TableRow("wo-mr", "w/o MR"), "small", SMALL)[-1]
    row = TableRow("wo-mr", "w/o MR")
    assert pace_of(row, work, tmp_path, {}) is None
    assert pace_of(row, work, tmp_path, {"joint": 3.0}) == 3.0
    log(tmp_path / "mld" / "stage3", 100, 10.0, 99.0)  # makes motion alone, and is no measure of this row
    assert pace_of(row, work, tmp_path, {"joint": 3.0}) == 3.0
    log(tmp_path / "egotwin" / "stage3", 100, 10.0, 7.0)
    assert pace_of(row, work, tmp_path, {"joint": 3.0}) == 7.0
    log(tmp_path / "wo-mr" / "stage3", 100, 10.0, 8.0)
    assert pace_of(row, work, tmp_path, {"joint": 3.0}) == 8.0


def test_rows_are_alike_where_they_make_the_same_in_as_many_tokens():
    assert like("mm-dit") == ["mm-dit", "egotwin", "wo-mr", "wo-im", "wo-ad"]
    assert like("mld") == ["mld"]


def test_what_remains_is_counted_from_the_logs_last_step(tmp_path):
    work = works_of(EGOTWIN, "small", SMALL)[-1]  # 2,000 steps of 32
    assert remaining_seconds(work, tmp_path, 8.0) == pytest.approx(8000)
    log(tmp_path / "egotwin" / "stage3", 1500, 6000.0, 8.0)
    assert remaining_seconds(work, tmp_path, 8.0) == pytest.approx(2000)
    assert Log.read(tmp_path / "egotwin" / "stage3") == Log(1500, 6000.0, 8.0)
