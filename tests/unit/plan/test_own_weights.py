"""`NAME@FILE`: weights of one's own, found by path and recorded by content."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from egobench.errors import BadInputError, UnknownNameError
from egobench.files.digest import digest_file
from egobench.plan.own_weights import absolute_name, shown_name, split_name, with_weights
from egobench.plan.resolve import (
    absolute_metrics,
    by_group_only,
    metric_labels,
    preset_of,
    resolve_extractor,
    resolve_metrics,
)


@dataclass(frozen=True)
class Bare:
    """An extractor without weights."""

    name: ClassVar[str] = "bare"


@pytest.fixture
def copy(tmp_path):
    """Shipped weights under another name."""
    package = Path(resolve_extractor("motion-text").weights)
    return Path(shutil.copy(package, tmp_path / "mine.safetensors"))


@pytest.mark.parametrize(
    ("name", "head", "file"),
    [
        ("motion-text", "motion-text", None),
        ("motion-text@w/x.safetensors", "motion-text", Path("w/x.safetensors")),
        ("pkg.mod:Eyes@/w/at@home.pt", "pkg.mod:Eyes", Path("/w/at@home.pt")),
        ("me@home/eyes.py:Eyes", "me@home/eyes.py:Eyes", None),
        ("me@home/eyes.py:Eyes@w@x.pt", "me@home/eyes.py:Eyes", Path("w@x.pt")),
        ("motion-text@", "motion-text@", None),
    ],
)
def test_a_name_is_told_from_its_file(name, head, file):
    assert split_name(name) == (head, file)


def test_a_name_is_shown_with_the_files_content_and_never_its_path(copy):
    assert shown_name(f"motion-text@{copy}") == f"motion-text@{digest_file(copy)[:12]}"
    assert shown_name("motion-text") == "motion-text"
    assert shown_name(f"motion-text@{copy.with_name('gone.safetensors')}") == "motion-text@gone.safetensors"


def test_a_path_is_made_whole_so_that_other_folders_find_it(copy, monkeypatch):
    monkeypatch.chdir(copy.parent)
    assert absolute_name("motion-text@mine.safetensors") == f"motion-text@{copy.resolve()}"
    assert absolute_metrics("core, m-fid:motion-text@mine.safetensors,jerk") == (
        f"core,m-fid:motion-text@{copy.resolve()},jerk"
    )


def test_the_extractor_reads_the_file_and_its_protocol_has_the_digest(copy):
    found = resolve_extractor(f"motion-text@{copy}")
    assert found.weights == copy
    assert found.protocol() == resolve_extractor("motion-text").protocol()  # the same bytes


def test_what_takes_no_file_or_is_not_there_is_refused(copy):
    with pytest.raises(BadInputError, match="takes no weight file") as refusal:
        with_weights(Bare(), f"bare@{copy}")
    assert refusal.value.code == "maker-weights"
    with pytest.raises(BadInputError, match=r"no weights at .*gone\.safetensors") as refusal:
        resolve_extractor(f"motion-text@{copy.with_name('gone.safetensors')}")
    assert refusal.value.code == "weights-missing"
    with pytest.raises(UnknownNameError, match="did you mean 'motion-text'"):
        resolve_metrics(f"m-fid:motion-txt@{copy}")


def test_a_metric_named_beside_core_takes_the_place_of_cores_own(copy):
    metrics = resolve_metrics(f"core,m-fid:motion-text@{copy}")
    assert [metric.name for metric in metrics] == [metric.name for metric in resolve_metrics("core")]
    assert [preset_of(metric) for metric in metrics if metric.name == "m-fid"] == [f"motion-text@{copy}"]
    assert "m-fid" not in by_group_only(f"core,m-fid:motion-text@{copy}")
    assert "mm-dist" in by_group_only(f"core,m-fid:motion-text@{copy}")
    assert by_group_only("m-fid,jerk") == frozenset()


def test_one_metric_by_two_weights_has_two_labels(copy):
    metrics = resolve_metrics(f"m-fid,m-fid:motion-text@{copy}")
    assert metric_labels(metrics) == ("m-fid:motion-text", f"m-fid:motion-text@{digest_file(copy)[:12]}")
