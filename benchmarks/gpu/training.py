"""The rows' trainings of `rows.py`: what they share, one after the other, and the table of what came out."""

import argparse
import csv
import json
import platform
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import quick
import speed
import torch
import world

from egobench.data.egomini.arrays import ClipArrays
from egobench.data.egomini.rendering import Rendering
from egotwin_ref import artefacts
from egotwin_ref.artefacts import CARD, FILE
from egotwin_ref.bundle import Bundle, load_video_vae, motion_vae_name
from egotwin_ref.clips import Clips
from egotwin_ref.configs import PRESETS, VARIANTS
from egotwin_ref.precision import fast_dtype
from egotwin_ref.recipes import SMALL, SMALL_GPU, Recipe, Recipes
from egotwin_ref.stages import Workshop
from egotwin_ref.training import Habits, OutOfTimeError

PRESET = "small"
TWO = Recipe(steps=2, batch=4, warmup=1, muon=2e-3)
PLAIN = replace(TWO, muon=None)
TOY = Recipes(PLAIN, PLAIN, kl_video=1e-5, kl_motion=1e-5, base=TWO, motion=TWO, joint=TWO, fine=TWO, spread=0.1)
RECORDED = "recorded"
LEAST_STEPS = 300
"""Of stage 3; a row of fewer is no row."""
SECONDS_BESIDE = 10.0
"""Of a row's time that is not stage 3: stage 2, sampling, writing."""
FIRST_CLIPS = 8_000
"""The VAEs begin with so many, while the others are drawn."""


class Rows:
    """All rows of one call; `rows.py` says in which order."""

    def __init__(self, options: argparse.Namespace, clock: Any, drawing: Rendering) -> None:
        self.options, self.clock, self.drawing = options, clock, drawing
        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if device.startswith("cuda"):
            torch.set_float32_matmul_precision("high")  # Muon's products; what needs more says so itself
        self.habits = Habits(
            device=device, autocast=fast_dtype(device), until=clock.until, report=self._report,
            began=lambda name, step, steps: clock.say(f"{name}: {step} of {steps} steps"),
        )  # fmt: skip
        self.recipes = TOY if options.toy else self._recipes()
        self.folder, self.shipped = options.work / PRESET, options.work / "weights"
        self.few, self.steps = (4, 2) if options.toy else (256, 20)
        self.scores_file = options.work / "scores.json"
        known = json.loads(self.scores_file.read_text()) if self.scores_file.is_file() else {}
        self.scored: dict[str, dict[str, float]] = known
        self.said = 0.0

    def look_around(self) -> None:
        """Where this is, which way of taking a step is fastest, and the small splits."""
        device = self.habits.device
        card = torch.cuda.get_device_name() if device.startswith("cuda") else platform.processor() or device
        self.clock.say(f"{card}, torch {torch.__version__}, {self.habits.autocast or torch.float32}")
        known = self.options.work / "ways.json"
        if known.is_file():
            told = json.loads(known.read_text())
            self.habits, lines = replace(self.habits, **told["habits"]), told["lines"]
        else:
            steps, seconds = (1, 60.0) if self.options.toy else (60, 100.0)
            self.habits, lines = speed.fastest(PRESET, self.recipes.joint, self.habits, steps, seconds)
            told = {"compile": self.habits.compile, "capture": self.habits.capture}
            known.write_text(json.dumps({"habits": told, "lines": lines}))
        for line in lines:
            self.clock.say(line)
        self.held_out, self.test = (
            world.few(spec, self.options.work / spec.name, count, self.options.workers)
            for spec, count in ((world.HELD_OUT, self.few // 2), (world.TEST, self.few))
        )
        self.places = world.evenly(min(64, self.few), len(self.test.ids))
        if RECORDED not in self.scored:
            videos, motions = quick.recorded(self.test, self.places)
            self._keep(RECORDED, quick.scores(videos, motions, motions, device))

    @property
    def done(self) -> list[str]:
        """Rows that were trained, sampled and scored."""
        return [name for name in self.scored if name != RECORDED]

    def share(self) -> bool:
        """What all rows share: VAEs, latents, stage 0. False, with checkpoints, where the time is up before."""
        try:
            first = self._shop("egotwin", min(FIRST_CLIPS, self.drawing.total))
            vae = load_video_vae(PRESET, first.video_vae(), None).to(self.habits.device)
            self.clock.say(f"video VAE: {_told(quick.pictures(vae, self.held_out))}")
            rows = [name.partition("-seed")[0] for name in self.options.rows]
            for row in {motion_vae_name(VARIANTS[row]): row for row in rows}.values():
                self._shop(row, min(FIRST_CLIPS, self.drawing.total)).motion_vae()
            self.clock.say(f"{self.drawing.ready()} of {self.drawing.total} clips drawn")
            self._shop("egotwin").base()
        except OutOfTimeError:
            self.clock.say("the time is up before stage 0 is done; the same command goes on")
            return False
        return True

    def make(self, name: str) -> bool:
        """Trains, samples and scores one row. False where the time did not suffice."""
        if name in self.scored:
            return True
        variant, _, seed = name.partition("-seed")
        began = time.monotonic()
        if self.clock.left < 1 or not self._plan():
            return False
        try:
            made = replace(self._shop(variant, seed=int(seed or 0)), recipes=self._planned()).joint()
        except OutOfTimeError:
            self.clock.say(f"{name}: the time is up; the same command goes on")
            return False
        self._ship(made, name)
        bundle = Bundle.load(PRESET, variant, self.shipped, self.habits.device, row=name)
        file = self.shipped / f"{name}.samples.safetensors"
        videos, motions = quick.sampled(bundle, self.test, range(len(self.test.ids)), self.steps, file)
        _, references = quick.recorded(self.test, self.places)
        chosen = [videos[place] for place in self.places], [motions[place] for place in self.places]
        self._keep(name, quick.scores(*chosen, references, self.habits.device))
        self.clock.say(f"{name}: {time.monotonic() - began:.0f} s")
        return True

    def files(self, name: str) -> list[tuple[Path, str]]:
        """What is taken home of a row, or of what rows share, with names inside the archive."""
        motion = sorted({motion_vae_name(row) for row in VARIANTS.values()})
        if parts := {"vaes": ["video-vae", *motion], "stage0": ["stage0"]}.get(name):
            found = [(self.folder / part / file, f"{part}/{file}") for part in parts if not self._is_adopted(part)
                     for file in (FILE, CARD, "log.csv")]  # fmt: skip
        else:
            found = [(path, path.name) for path in sorted(self.shipped.glob(f"{name}.*"))]
            found += [(self.options.work / file, file) for file in ("plan.json", "ways.json")]
        return [(path, inside) for path, inside in found if path.is_file()]

    def table(self) -> str:
        """Markdown: a line a row."""
        lines = ["| row | samples | minutes | samples/s | loss | rot-err (deg) | trans-err (m) |",
                 "|---|--:|--:|--:|---|--:|--:|"]  # fmt: skip
        for name, scores in self.scored.items():
            log = self.shipped / f"{name}.log.csv"
            rows = list(csv.DictReader(log.read_text().splitlines())) if log.is_file() else []
            last = rows[-1] if rows else {}
            batch = self.recipes.joint.batch
            loss = ", ".join(f"{part} {last[part]}" for part in ("video", "motion") if last.get(part))
            cells = [
                name, f"{int(last['step']) * batch:,}" if last else "", _minutes(last), last.get("samples_per_s", ""),
                loss, *(f"{scores[part]:.3f}" if part in scores else "" for part in ("rot-err", "trans-err")),
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        note = f"A first look: {len(self.places)} clips of {world.TEST.name}, no codec, unguided, {self.steps} steps."
        return "\n".join([*lines, "", note, ""])

    def _shop(self, row: str, clips: int | None = None, seed: int = 0) -> Workshop:
        drawn = self.drawing.wait(clips)
        drawn = _clips(drawn, clips or self.drawing.total)
        return Workshop(
            PRESET, row, self.folder, drawn, _clips(self.held_out), self.recipes, self.habits,
            adopt=self.options.adopt, seed=seed,
        )  # fmt: skip

    def _recipes(self) -> Recipes:
        """A GPU's; those of the VAEs as they were, where these are taken over."""
        if self.options.adopt is None:
            return SMALL_GPU
        return replace(SMALL_GPU, video_vae=SMALL.video_vae, motion_vae=SMALL.motion_vae)

    def _plan(self) -> int:
        """Steps of stage 3 for every row, decided when the first one begins. 0: there is no time for a row."""
        path = self.options.work / "plan.json"
        if path.is_file():
            return int(json.loads(path.read_text())["steps"])
        most = self.recipes.joint.steps
        if self.options.toy:
            steps = most
        else:
            log = list(csv.DictReader((self.folder / "stage0" / "log.csv").read_text().splitlines()))
            rate = sorted(float(row["samples_per_s"]) for row in log)[len(log) // 2]  # without the motion
            rows = sum("-seed" not in name for name in self.options.rows)
            seconds = self.options.row_minutes * 60 / rows - SECONDS_BESIDE
            steps = min(most, int(0.85 * seconds * rate / self.recipes.joint.batch))
        if steps < min(most, LEAST_STEPS):
            self.clock.say(f"time for {steps} steps a row; {LEAST_STEPS} are the least, so none is begun")
            return 0
        path.write_text(json.dumps({"steps": steps, "batch": self.recipes.joint.batch, "most": most}))
        self.clock.say(f"{steps} steps of {self.recipes.joint.batch} for every row")
        return steps

    def _planned(self) -> Recipes:
        return replace(self.recipes, joint=replace(self.recipes.joint, steps=self._plan()))

    def _ship(self, made: Path, name: str) -> None:
        """Puts the row and its VAEs where they are loaded from: the row in the form in which it ships."""
        variant = VARIANTS[name.partition("-seed")[0]]
        for part in ("video-vae", motion_vae_name(variant)):
            artefacts.ship(self.folder / part / artefacts.FILE, self.shipped, name)
        artefacts.ship(made, self.shipped, name, PRESETS[PRESET].form)
        if made.with_name("probe.csv").is_file():
            shutil.copyfile(made.with_name("probe.csv"), self.shipped / f"{name}.probe.csv")

    def _keep(self, name: str, scores: dict[str, float]) -> None:
        self.scored[name] = scores
        self.scores_file.write_text(json.dumps(self.scored))
        self.clock.say(f"{name}: {_told(scores)}")

    def _is_adopted(self, part: str) -> bool:
        return self.options.adopt is not None and (self.options.adopt / f"{part}.card.json").is_file()

    def _report(self, step: int, values: Any) -> None:
        if time.monotonic() - self.said > 5:
            self.said = time.monotonic()
            self.clock.say(f"  {step}: {_told(values)}")


def _clips(drawn: ClipArrays, count: int | None = None) -> Clips:
    chosen = slice(count)
    return Clips(
        drawn.ids[chosen], drawn.texts[chosen], drawn.frames[chosen], drawn.positions[chosen],
        drawn.rotations[chosen], drawn.hand_share[chosen], f"{drawn.digest[:48]}{len(drawn.ids[chosen]):016d}",
    )  # fmt: skip


def _told(values: Any) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def _minutes(last: dict[str, str]) -> str:
    return f"{float(last['seconds']) / 60:.1f}" if last else ""
