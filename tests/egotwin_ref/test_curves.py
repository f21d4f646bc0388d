"""The picture of a training's log: which lines are drawn, and that of a repeated step the later row counts."""

from matplotlib.image import imread

from egotwin_ref.training.curves import _probed, draw

LOG = "step,loss,video,motion,samples_per_s,seconds\n50,0.9,0.5,0.4,30,10\n100,0.7,0.4,0.3,30,20\n"
PROBE = "1000,300,0,0.30,0.40\n2000,300,0,0.29,0.45\n1000,600,0,0.50,0.51\n1000,300,0,0.31,0.41\n"


def test_nothing_is_drawn_of_nothing(tmp_path):
    assert draw(tmp_path, 32) is None
    (tmp_path / "log.csv").write_text("step,loss,samples_per_s,seconds\n")
    assert draw(tmp_path, 32) is None


def test_the_probe_s_panel_is_there_if_the_probe_was_asked(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    alone = imread(draw(tmp_path, 32)).shape
    (tmp_path / "probe.csv").write_text(PROBE)
    beside = imread(draw(tmp_path, 32)).shape
    assert beside[1] == 2 * alone[1]


def test_of_a_step_that_was_done_twice_the_later_row_counts(tmp_path):
    (tmp_path / "probe.csv").write_text(PROBE)
    assert _probed(tmp_path / "probe.csv") == {
        (300, 0): [(1000, 0.31, 0.41), (2000, 0.29, 0.45)],
        (600, 0): [(1000, 0.50, 0.51)],
    }
