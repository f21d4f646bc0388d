"""What runs are called beside each other."""

import pytest

from egobench.errors import BadInputError
from egobench.store.labels import Named, check_label, distinct_labels, given_name

OLD, NEW = "a1b2c3d4" + "0" * 56, "e5f6a7b8" + "0" * 56


def twin(run, name="egotwin", **settings):
    return Named(run, name, settings)


def test_names_that_differ_stand_as_they_are():
    assert distinct_labels([twin("r1", "step 20k", steps=5), twin("r2", "step 40k", steps=9)]) == [
        "step 20k",
        "step 40k",
    ]


def test_one_name_is_told_apart_by_the_settings_that_differ_and_by_no_other():
    runs = [
        twin("r1", checkpoint={"sha256": OLD}, steps=50, inner={"scale": 1.0, "kind": "x"}),
        twin("r2", checkpoint={"sha256": NEW}, steps=50, inner={"scale": 2.0, "kind": "x"}),
        twin("r3", "other", steps=1),
    ]
    assert distinct_labels(runs) == [
        *("egotwin checkpoint=a1b2c3d4 inner.scale=1.0", "egotwin checkpoint=e5f6a7b8 inner.scale=2.0", "other"),
    ]


def test_a_setting_that_only_one_has_is_a_difference():
    assert distinct_labels([twin("r1"), twin("r2", steps=9)], by_run=False) == ["egotwin", "egotwin steps=9"]


def test_what_nothing_else_tells_apart_has_its_folder():
    runs = [twin("r1", steps=5), twin("r2", steps=5), twin("r3", steps=9)]
    expected = ["egotwin steps=5 (r1)", "egotwin steps=5 (r2)", "egotwin steps=9"]
    assert distinct_labels(runs) == expected
    assert distinct_labels(runs, by_run=False)[:2] == ["egotwin steps=5"] * 2


def test_a_long_value_keeps_its_end():
    (label, _) = distinct_labels([twin("r1", path={"path": "/far/" * 20 + "a.bin"}), twin("r2", path={"path": "b"})])
    assert label.endswith("/far/a.bin")
    assert len(label) < 60


@pytest.mark.parametrize("name", ["=1+1", "two\nlines", "x" * 81, " a", "\x1b[1m"])
def test_a_name_that_no_table_can_hold_is_refused(name):
    with pytest.raises(BadInputError, match="cannot be printed") as caught:
        check_label(name)
    assert caught.value.code == "run-label"
    assert given_name({"request": {"name": name}}) == ""


def test_runs_of_before_there_were_names_have_none():
    assert given_name({"request": {}}) == given_name({}) == ""
    assert given_name({"request": {"name": "step 40k"}}) == "step 40k"
