"""The training loop: stopped anywhere it ends with the same bits; rates, averages and rows of the log by hand."""

import csv
import random
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.training import stepping
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.loop import LoopOptions, Recipe, train
from egotwin_ref.training.objective import DiffusionLoss, Draws
from egotwin_ref.training.precision import dtype_of
from egotwin_ref.training.stepping import optimisers

RECIPE = Recipe(steps=12, batch=4, learning_rate=0.1, warmup=3, decay=0.25, ema=0.9, seed=5)
ALWAYS = LoopOptions(seconds_between_saves=-1.0, steps_between_reports=5)


class StoppedError(Exception):
    pass


def module() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


class Fit:
    """Some loss with draws of its own; stops before step `stop`."""

    def __init__(self, network: nn.Module, stop: int | None = None) -> None:
        self.network, self.stop, self.steps = network, stop, []

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        if step == self.stop:
            raise StoppedError
        self.steps.append(step)
        x = torch.randn(RECIPE.batch, 3, generator=generator)
        error = (self.network(x) - x[:, :2]).square()
        return error.mean(), {"first": error[:, 0].mean()}


def run(
    folder: Path, recipe: Recipe = RECIPE, options: LoopOptions = ALWAYS, stop: int | None = None
) -> dict[str, Tensor]:
    network = module()
    found = train(network, Fit(network, stop), recipe, folder, options)
    return found | {f"last.{name}": value.clone() for name, value in network.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("options", [ALWAYS, replace(ALWAYS, seconds_between_saves=1e9)], ids=["saved", "never saved"])
@pytest.mark.parametrize("seed", range(3))
def test_stopped_at_any_step_it_ends_with_the_same_bits(tmp_path, seed, options):
    right = run(tmp_path / "straight")
    chosen = random.Random(seed)
    for stop in sorted(chosen.sample(range(1, RECIPE.steps), 2)):
        with pytest.raises(StoppedError):
            run(tmp_path / "stopped", options=options, stop=stop)
    assert_same(run(tmp_path / "stopped"), right)


def test_it_goes_on_from_the_step_it_stopped_at(tmp_path):
    with pytest.raises(StoppedError):
        run(tmp_path, stop=7)
    network = module()
    loss = Fit(network)
    train(network, loss, RECIPE, tmp_path, ALWAYS)
    assert loss.steps == [7, 8, 9, 10, 11]
    loss.steps.clear()
    train(network, loss, RECIPE, tmp_path, ALWAYS)
    assert loss.steps == []


@pytest.mark.parametrize("done", [5, 12])
def test_more_steps_go_on_from_before_the_rate_fell(tmp_path, done):
    longer = replace(RECIPE, steps=20)
    right = run(tmp_path / "straight", longer)
    if done < RECIPE.steps:
        with pytest.raises(StoppedError):
            run(tmp_path / "extended", stop=done)
    else:
        run(tmp_path / "extended")
    assert_same(run(tmp_path / "extended", longer), right)


@pytest.mark.parametrize("change", [{"seed": 6}, {"learning_rate": 0.2}, {"batch": 8}, {"steps": 11}])
def test_the_folder_of_another_recipe_is_refused(tmp_path, change):
    run(tmp_path)
    with pytest.raises(ValueError, match="holds a training by another recipe"):
        run(tmp_path, replace(RECIPE, **change))


def test_the_rate_warms_up_stays_and_falls():
    rates = [RECIPE.share(step) for step in range(12)]
    assert rates == pytest.approx([1 / 3, 2 / 3, *[1.0] * 8, 2 / 3, 1 / 3])
    assert RECIPE.falls_at == 9


def test_the_average_by_hand(tmp_path):
    network, seen = module(), []

    def report(step, values):
        seen.append({name: value.clone() for name, value in network.state_dict().items()})

    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = train(network, Fit(network), RECIPE, tmp_path, LoopOptions(steps_between_reports=1, report=report))
    assert len(seen) == RECIPE.steps
    for name, average in before.items():
        for step, weights in enumerate(seen):
            kept = min(0.9, (1 + step) / (10 + step))
            average = kept * average + (1 - kept) * weights[name]
        torch.testing.assert_close(found[name], average)


def test_frozen_weights_stay(tmp_path):
    network = module()
    network[0].weight.requires_grad_(False)
    before = network[0].weight.clone()
    found = train(network, Fit(network), RECIPE, tmp_path, ALWAYS)
    assert torch.equal(network[0].weight, before)
    assert torch.equal(found["0.weight"], before)


def test_gradients_are_clipped_and_matrices_alone_decay(tmp_path):
    network, recipe = module(), replace(RECIPE, learning_rate=0.5, weight_decay=0.1, warmup=1)

    def nothing(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return sum(0.0 * value.sum() for value in network.parameters()), {}

    before = {name: value.clone() for name, value in network.state_dict().items()}
    train(network, nothing, recipe, tmp_path, ALWAYS)
    shrunk = 1.0
    for step in range(recipe.steps):
        shrunk *= 1 - recipe.learning_rate * recipe.share(step) * 0.1
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name] * (shrunk if "weight" in name else 1.0))


def test_the_log_has_a_row_for_every_report_also_after_a_stop(tmp_path):
    told = []
    options = replace(ALWAYS, report=lambda step, values: told.append((step, dict(values))))
    with pytest.raises(StoppedError):
        run(tmp_path, options=options, stop=7)
    run(tmp_path, options=options)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [5, 10, 12] == [step for step, _ in told]
    assert list(rows[0]) == ["step", "loss", "first", "samples_per_s", "seconds"]
    for row, (_, values) in zip(rows, told, strict=True):
        assert float(row["loss"]) == pytest.approx(values["loss"], rel=1e-4)
        assert float(row["first"]) > 0
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_a_reported_loss_is_the_mean_since_the_last_one(tmp_path):
    told = {1: [], 4: []}
    for every, values in told.items():
        options = LoopOptions(
            steps_between_reports=every, report=lambda step, means, to=values: to.append(means["loss"])
        )
        run(tmp_path / str(every), options=options)
    by_hand = [sum(told[1][i : i + 4]) / 4 for i in (0, 4, 8)]
    assert told[4] == pytest.approx(by_hand)


def test_a_checkpoint_is_never_unpickled(tmp_path):
    run(tmp_path)
    torch.save({"recipe": Path("/")}, tmp_path / "checkpoint.pt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        run(tmp_path)


class Blocks(nn.Module):
    """With a matrix inside `blocks`, one named as queries, keys and values are, and one outside."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.ModuleDict({"qkv": nn.Linear(4, 12), "out": nn.Linear(12, 4)})])
        self.last = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.blocks[0]["out"](self.blocks[0]["qkv"](x).tanh()))


def test_muon_has_the_matrices_inside_the_blocks_and_adamw_the_rest():
    named = list(Blocks().named_parameters())
    adamw, muon = optimisers(named, replace(RECIPE, muon=0.02))
    names = {id(value): name for name, value in named}
    groups = [[names[id(value)] for value in group["params"]] for group in muon.param_groups]
    assert groups == [["blocks.0.out.weight"], ["blocks.0.qkv.weight"]]
    assert [group["parts"] for group in muon.param_groups] == [1, 3]
    rest = [names[id(value)] for group in adamw.param_groups for value in group["params"]]
    assert sorted([*rest, *groups[0], *groups[1]]) == sorted(names.values())
    assert len(optimisers(named, RECIPE)) == 1


def test_with_muon_too_it_ends_with_the_same_bits(tmp_path):
    recipe = replace(RECIPE, muon=0.02)

    def trained(folder: Path, stop: int | None = None) -> dict[str, Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = Blocks()
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(4, 4, generator=generator)

        def loss(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
            if step == stop:
                raise StoppedError
            return (network(x) - torch.randn(4, 2, generator=generator)).square().mean(), {}

        found = train(network, loss, recipe, folder, ALWAYS)
        return found | {f"last.{name}": value.clone() for name, value in network.state_dict().items()}

    right = trained(tmp_path / "straight")
    with pytest.raises(StoppedError):
        trained(tmp_path / "stopped", stop=7)
    assert_same(trained(tmp_path / "stopped"), right)
    without = {name for name, value in Blocks().state_dict().items() if torch.equal(value, right[f"last.{name}"])}
    assert not without


ROUNDING = 2.0**-8
"""bfloat16 keeps eight binary digits, so a number is off by 2⁻⁹ of itself at most. A loss is a mean over hundreds of
numbers that were rounded some ten times on their way, up and down alike; the largest difference seen is 2⁻¹⁰."""


@pytest.mark.parametrize("row", ["egotwin", "vidmld"])
def test_in_bfloat16_a_few_steps_cost_what_they_cost_in_float32(network, tmp_path, row):
    """Small enough for a processor that only emulates bfloat16."""

    def losses(dtype: torch.dtype | None) -> list[dict[str, float]]:
        model, told = network(row, layers=2).train(), []
        generator = torch.Generator().manual_seed(0)
        tokens = (2, 24) if row == "vidmld" else (7, 6)
        latents = Latents(
            torch.randn(8, 4, 3, 4, 4, generator=generator),
            torch.randn(8, *tokens, generator=generator),
            torch.randn(8, 5, 12, generator=generator),
            torch.zeros(5, 12),
        )
        recipe = Recipe(steps=8, batch=8, learning_rate=1e-2, warmup=2, muon=1e-2)
        options = LoopOptions(
            steps_between_reports=1, autocast=dtype, report=lambda step, values: told.append(dict(values))
        )
        loss = DiffusionLoss(model, Schedule.cogvideox(), latents, recipe.batch, Draws(hands=0.0))
        found = train(model, loss, recipe, tmp_path / str(dtype), options)
        assert all(value.dtype == torch.float32 for value in found.values())
        return [{name: values[name] for name in ("loss", "video", "motion")} for values in told]

    exact, rounded = losses(dtype_of("float32", "cpu")), losses(dtype_of("bfloat16", "cpu"))
    assert len(exact) == 8
    for one, other in zip(exact, rounded, strict=True):
        assert other == pytest.approx(one, rel=ROUNDING)
        assert other != one, "nothing was rounded"


@pytest.mark.parametrize(("captures", "cached"), [(True, False), (False, True)])
def test_steps_before_a_capture_convert_weights_as_the_capture_does(monkeypatch, captures, cached):
    """Or what is compiled in them would be compiled again in the capture, where nothing may be."""
    asked: list[bool] = []

    def autocast(device, dtype, cached):
        asked.append(cached)
        return nullcontext()

    monkeypatch.setattr(stepping, "autocast", autocast)
    module = nn.Linear(2, 2)
    recipe = Recipe(steps=3, batch=2)
    take = stepping.Step(lambda step, generator: (module.weight.sum(), {}), stepping.State(module, recipe), "cpu", None)
    take.why_not = None if captures else take.why_not
    take(0, torch.Generator())
    assert asked == [cached]
