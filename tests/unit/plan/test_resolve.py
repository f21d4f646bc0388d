"""Names and options: what is found, what is suggested, what is refused before anything is written."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from egobench.errors import BadInputError, UnknownNameError
from egobench.plan.devices import resolve_device
from egobench.plan.options import parse_value
from egobench.plan.resolve import resolve_metrics, resolve_model, resolve_split
from egobench.run.run import RunRequest, plan


@dataclass(frozen=True)
class Settings:
    """A model with every kind of option."""

    weights: Path
    steps: int = 50
    guidance: float = 6.0
    preset: Literal["paper", "tiny"] = "paper"
    fast: bool = False
    scales: tuple[float, ...] = ()
    limit: int | None = 3
    cache: dict = field(default_factory=dict)

    def load(self, device: str) -> "Settings":
        return self


NAME = f"{__name__}:Settings"


def test_options_are_parsed_by_the_annotated_type():
    texts = {"weights": "w.pt", "steps": "20", "guidance": "1e1", "preset": "tiny", "fast": "yes"}
    model = resolve_model(NAME, {**texts, "scales": "1, 2.5", "limit": "none"})
    assert model == Settings(Path("w.pt"), 20, 10.0, "tiny", True, (1.0, 2.5), None)


def test_a_misspelt_option_is_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'guidance'"):
        resolve_model(NAME, {"weights": "w", "guidence": "1"})


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("steps", "2.5", "must be a int"),
        ("guidance", "much", "must be a float"),
        ("preset", "huge", "must be one of paper, tiny"),
        ("fast", "maybe", "must be true or false"),
        ("limit", "x", "must be a int"),
        ("cache", "x", "cannot be given as text"),
    ],
)
def test_a_value_of_the_wrong_type_says_what_would_be_right(option, text, says):
    with pytest.raises(BadInputError, match=says) as caught:
        resolve_model(NAME, {"weights": "w", option: text})
    assert caught.value.code == "model-option"


def test_a_missing_required_option_is_named():
    with pytest.raises(BadInputError, match="needs option 'weights'"):
        resolve_model(NAME)


@pytest.mark.parametrize("name", ["pathlib:Path", "json:dumps", "egobench.types:Video"])
def test_what_is_no_model_is_refused(name):
    with pytest.raises(BadInputError, match=r"is not a dataclass|has no `load|is a function"):
        resolve_model(name)


def test_unknown_names_are_refused_with_near_ones():
    with pytest.raises(UnknownNameError, match="shuffled"):
        resolve_model("shufled")
    with pytest.raises(UnknownNameError, match="foot-skate"):
        resolve_metrics("jerk,foot-skat")
    with pytest.raises(UnknownNameError, match="egomini-test"):
        resolve_split("egomini-tst")


def test_metrics_are_sorted_and_each_once():
    names = [metric.name for metric in resolve_metrics("jerk, clip-sim,jerk")]
    assert names == ["clip-sim", "jerk"]
    assert {"i-fid", "clip-sim"} <= {metric.name for metric in resolve_metrics("core")}
    with pytest.raises(BadInputError, match="no metric"):
        resolve_metrics(" , ")


def test_text_and_first_fitting_member_of_a_union():
    assert parse_value(int | str, "x") == "x"
    assert parse_value(int | str, "7") == 7
    assert resolve_device("cuda:1") == "cuda:1"


@pytest.mark.parametrize(
    "change", [{"seeds": 0}, {"workers": -1}, {"attempts": 0}, {"limit": 0}, {"draws": -1}, {"task": "tv"}]
)
def test_values_out_of_range_are_refused(ask, change):
    with pytest.raises(BadInputError):
        plan(ask(**change))


@pytest.mark.parametrize(
    ("device", "gpus", "says"),
    [
        ("gpu", 1, "'gpu' is no device; auto, cpu, cuda"),
        ("cuda", 0, "device 'cuda': torch finds no GPUs here"),
        ("cuda:1", 1, "device 'cuda:1': torch finds 1 GPU here"),
    ],
)
def test_a_device_that_is_not_here_is_refused_before_anything_is_sampled(ask, monkeypatch, device, gpus, says):
    torch = pytest.importorskip("torch", reason="extra 'torch'")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(BadInputError, match=says) as refusal:
        plan(ask(device=device))
    assert refusal.value.code == "device"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert plan(ask(device="cuda:1")).request.device == "cuda:1"


def test_a_plan_writes_nothing_and_counts_the_items(ask, tmp_path):
    found = plan(ask(seeds=3, limit=2))
    assert found.items == [(clip, seed) for clip in ("toy-00", "toy-01") for seed in range(3)]
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "cache").exists()
    assert len(found.protocols) == 3


def test_what_changes_a_number_changes_protocol_or_identity(ask):
    def protocols(**changes):
        return tuple(plan(ask(**changes)).protocols)

    base = plan(ask())
    assert protocols() == tuple(base.protocols)
    assert protocols(workers=2, out="elsewhere", attempts=3, device="cpu") == protocols()
    assert plan(ask(workers=2, out="elsewhere", typed=("model",))).identity == base.identity
    for change in ({"limit": 4}, {"seeds": 2}):
        assert not set(protocols(**change)) & set(protocols())
    video = {"metrics": "pipeline_toys:ClipColour"}  # a metric of motion alone is not applicable to tm2v
    assert not set(protocols(task="tm2v", **video)) & set(protocols(**video))
    assert plan(ask(model_options={"sleep": "1"})).identity != base.identity
    assert RunRequest(model="a", split="b").typed == ()


def test_clip_ids_of_a_split_that_is_no_folder_are_held_to_the_same_rule(monkeypatch):
    class Named:
        def infos(self):
            return [SimpleNamespace(clip_id=clip_id) for clip_id in ("good", "clip one", "a,b")]

    monkeypatch.setattr("egobench.plan.resolve.open_split", lambda name: Named())
    with pytest.raises(
        BadInputError, match="split 'mine': 2 clip ids such as 'clip one' cannot name a folder"
    ) as error:
        resolve_split("mine")
    assert error.value.code == "clip-id"
