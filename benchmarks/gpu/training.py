"""The rows' trainings of `rows.py`: what they share, one after the other, and the table of what came out."""

import argparse
import csv
import json
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import quick
import speed
import torch
import world
from shared_stages import PRESET, TOY, SharedStages, as_clips, named_values

from egomini.splits.rendering import Rendering
from egotwin_ref.loading.bundle import Bundle, load_video_vae, motion_vae_name
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.training.cards import CARD, FILE
from egotwin_ref.training.loop import LoopOptions, OutOfTimeError
from egotwin_ref.training.precision import fast_dtype
from egotwin_ref.training.recipes import SMALL, SMALL_GPU, Recipe, Recipes
from egotwin_ref.training.shipping import ship

RECORDED = "recorded"
LEAST_STEPS = 300
"""Of stage 3; a row of fewer is no row."""
SECONDS_BESIDE = 7.0
"""Of a row's time that is not stage 3: stage 2, reading and writing."""
SECONDS_OF_A_LOOK, SECONDS_AT_THE_END = 20.0, 15.0
MARGIN = 0.93
"""Of the rate that was tried on random data."""
FIRST_CLIPS = 8_000
"""The VAEs begin with so many, while the others are drawn."""


class Rows:
    """All rows of one call; `rows.py` says in which order."""

    def __init__(self, options: argparse.Namespace, clock: Any, drawing: Rendering) -> None:
        self.options, self.clock, self.drawing = options, clock, drawing
        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if device.startswith("cuda"):
            torch.set_float32_matmul_precision("high")  # Muon's products; what needs more says so itself
        self.habits = LoopOptions(
            device=device, autocast=fast_dtype(device), until=clock.until, report=self._report, draw_curves=False,
            began=lambda name, step, steps: clock.say(f"{name}: {step} of {steps} steps"),
        )  # fmt: skip
        self.recipes = TOY if options.toy else self._recipes()
        self.folder, self.shipped = options.work / PRESET, options.work / "weights"
        self.few, self.steps = (4, 2) if options.toy else (256, 20)
        self.scores_file = options.work / "scores.json"
        known = json.loads(self.scores_file.read_text()) if self.scores_file.is_file() else {}
        self.scored: dict[str, dict[str, float]] = known
        self.said, self.beside = 0.0, None
        if missing := self._missing_vaes():
            script = [sys.executable, str(Path(__file__).with_name("motion_vaes.py")), *missing]
            script += ["--folder", str(self.folder), "--device", device, *(["--toy"] if options.toy else [])]
            self.beside = subprocess.Popen(script)
        self.aside = [
            world.begin_few(spec, options.work / spec.name, count)
            for spec, count in ((world.HELD_OUT, self.few // 2), (world.TEST, self.few))
        ]

    def look_around(self) -> None:
        """Where this is, which way of taking a step is fastest, and the small splits."""
        device = self.habits.device
        card = torch.cuda.get_device_name() if device.startswith("cuda") else platform.processor() or device
        self.clock.say(f"{card}, torch {torch.__version__}, {self.habits.autocast or torch.float32}")
        known = self.options.work / "ways.json"
        if known.is_file():
            before = json.loads(known.read_text())
            self.habits, lines = replace(self.habits, **before["habits"]), before["lines"]
        elif self.options.compiled:
            lines = ["not tried: steps are compiled and captured"]
            self.habits = replace(self.habits, compile=True)
        else:
            steps, seconds = (1, 60.0) if self.options.toy else (60, 100.0)
            self.habits, lines = speed.fastest(PRESET, self.recipes.joint, self.habits, steps, seconds)
            chosen = {"compile": self.habits.compile, "capture": self.habits.capture}
            known.write_text(json.dumps({"habits": chosen, "lines": lines}))
        for line in lines:
            self.clock.say(line)
        self.held_out, self.test = (drawing.wait() for drawing in self.aside)
        self.places = world.evenly(min(64, self.few), len(self.test.ids))

    @property
    def done(self) -> list[str]:
        """Rows that were trained."""
        return [name for name in self.options.rows if (self.shipped / f"{name}.card.json").is_file()]

    def share(self) -> bool:
        """What all rows share: VAEs, latents, stage 0. False, with checkpoints, where the time is up before."""
        few = min(FIRST_CLIPS, self.drawing.total)
        try:
            self._compile()
            vae = load_video_vae(PRESET, self._shop("egotwin", few).video_vae(), None).to(self.habits.device)
            self.clock.say(f"video VAE: {named_values(quick.pictures(vae, self.held_out))}")
            if self.beside is not None and self.beside.wait():
                self.clock.say(f"motion VAEs beside: exit code {self.beside.returncode}, so they are trained here")
            for row in self._missing_vaes():
                self._shop(row, few).motion_vae()
            self._decide_clips()
            self._shop("egotwin").base()
        except OutOfTimeError:
            self.clock.say("the time is up before stage 0 is done; the same command goes on")
            return False
        return True

    def make(self, name: str) -> bool:
        """Trains one row and ships its weights. False where the time did not suffice."""
        if name in self.done:
            return True
        variant, _, seed = name.partition("-seed")
        began = time.monotonic()
        if self.clock.left < 1 or not (steps := self._plan()):
            return False
        shop = self._shop(variant, seed=int(seed or 0))
        recipes = replace(shop.recipes, joint=replace(shop.recipes.joint, steps=steps))
        try:
            made = replace(shop, recipes=recipes).joint()
        except OutOfTimeError:
            self.clock.say(f"{name}: the time is up; the same command goes on")
            return False
        self._ship(made, name)
        self.clock.say(f"{name}: {time.monotonic() - began:.0f} s")
        return True

    def look(self, name: str) -> bool:
        """Samples the test clips by a trained row, and scores some of them. False where there is no time for it."""
        if name in self.scored:
            return True
        if self.clock.left < SECONDS_OF_A_LOOK:
            return False
        truth, references = quick.recorded(self.test, self.places)
        if RECORDED not in self.scored:
            self._keep(RECORDED, quick.scores(truth, references, references, self.habits.device))
        bundle = Bundle.load(PRESET, name.partition("-seed")[0], self.shipped, self.habits.device, row=name)
        file = self.shipped / f"{name}.samples.safetensors"
        videos, motions = quick.sampled(bundle, self.test, range(len(self.test.ids)), self.steps, file)
        chosen = [videos[place] for place in self.places], [motions[place] for place in self.places]
        self._keep(name, quick.scores(*chosen, references, self.habits.device))
        return True

    def files(self, name: str) -> list[tuple[Path, str]]:
        """What is taken home of a row, of a row's samples, or of what rows share, with names inside the archive."""
        motion = sorted({motion_vae_name(row) for row in VARIANTS.values()})
        if parts := {"vaes": ["video-vae", *motion], "stage0": ["stage0"]}.get(name):
            files = [(self.folder / part / file, f"{part}/{file}") for part in parts if not self._is_adopted(part)
                     for file in (FILE, CARD, "log.csv")]  # fmt: skip
        else:
            row = name.removesuffix("-samples")
            samples = self.shipped / f"{row}.samples.safetensors"
            if name != row:
                return [(samples, samples.name)] if samples.is_file() else []
            files = [(path, path.name) for path in sorted(self.shipped.glob(f"{row}.*")) if path != samples]
            files += [(self.options.work / file, file) for file in ("plan.json", "ways.json")]
        return [(path, inside) for path, inside in files if path.is_file()]

    def table(self) -> str:
        """Markdown: a line a row."""
        lines = ["| row | samples | minutes | samples/s | loss | rot-err (deg) | trans-err (m) |",
                 "|---|--:|--:|--:|---|--:|--:|"]  # fmt: skip
        for name in [*([RECORDED] if RECORDED in self.scored else []), *self.done]:
            scores = self.scored.get(name, {})
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

    def _shop(self, row: str, clips: int | None = None, seed: int = 0) -> SharedStages:
        count, recipes, body = clips or self._clips(), self.recipes, motion_vae_name(VARIANTS[row])
        if not self._is_adopted(body):  # then it has as many steps as there was time for
            made, card = (TOY if self.options.toy else SMALL_GPU).motion_vae, self.folder / body / CARD
            if card.is_file() and VARIANTS[row].tokens != "path":
                made = Recipe(**json.loads(card.read_text())["recipe"])
            recipes = replace(recipes, motion_vae=made, global_vae=None)
        return SharedStages(
            PRESET, row, self.folder, as_clips(self.drawing.wait(count), count), as_clips(self.held_out), recipes,
            self.habits, adopt=self.options.adopt, seed=seed,
        )  # fmt: skip

    def _missing_vaes(self) -> list[str]:
        """A row for each motion VAE that is not there yet."""
        rows = [name.partition("-seed")[0] for name in self.options.rows]
        vaes = {motion_vae_name(VARIANTS[row]): row for row in rows}
        return [row for vae, row in vaes.items()
                if not self._is_adopted(vae) and not (self.folder / vae / CARD).is_file()]  # fmt: skip

    def _compile(self) -> None:
        """While clips are drawn: the shapes that come later, unless there are none left to wait for."""
        if not self.habits.compile or self.drawing.ready() == self.drawing.total:
            return
        for row, with_motion in (("egotwin", True), ("egotwin", False), ("vidmld", True)):
            rate, why_not = speed.rate_of(PRESET, row, self.recipes.joint, self.habits, 20, with_motion)
            self.clock.say(f"compiled for {row if with_motion else 'stage 0'}: {rate:,.0f} samples/s {why_not or ''}")

    def _decide_clips(self) -> None:
        """Waits for all clips, or until the time for it is up; the training set is what is there by then."""
        path = self.options.work / "clips.json"
        if not path.is_file():
            total, until = self.drawing.total, self.clock.began + self.options.draw_seconds
            while (ready := self.drawing.ready()) < total and time.monotonic() < until:
                time.sleep(0.05)
            least = min(FIRST_CLIPS, total)
            path.write_text(json.dumps(ready if ready == total else max(least, ready - ready % 1000)))
        self.clock.say(f"{self._clips()} of {self.drawing.total} clips are trained on")

    def _clips(self) -> int:
        return int(json.loads((self.options.work / "clips.json").read_text()))

    def _recipes(self) -> Recipes:
        """A GPU's; those of the VAEs as they were, where these are taken over."""
        if self.options.adopt is None:
            return SMALL_GPU
        return replace(
            SMALL_GPU, video_vae=SMALL.video_vae, motion_vae=SMALL.motion_vae, global_vae=SMALL.global_vae
        )  # fmt: skip

    def _plan(self) -> int:
        """Steps of stage 3 for every row, decided when the first one begins. 0: there is no time for a row."""
        path = self.options.work / "plan.json"
        if path.is_file():
            return int(json.loads(path.read_text())["steps"])
        most = self.recipes.joint.steps
        if self.options.toy:
            steps = most
        else:
            rate, _ = speed.rate_of(PRESET, "egotwin", self.recipes.joint, self.habits, 60)
            self.clock.say(f"stage 3: {rate:,.0f} samples/s")
            seconds = self.options.row_minutes * 60 or self.clock.left - SECONDS_AT_THE_END
            each = seconds / len(self.options.rows) - SECONDS_BESIDE
            steps = min(most, int(MARGIN * each * rate / self.recipes.joint.batch))
        if steps < min(most, LEAST_STEPS):
            self.clock.say(f"time for {steps} steps a row; {LEAST_STEPS} are the least, so none is begun")
            return 0
        plan = {"steps": steps, "batch": self.recipes.joint.batch, "most": most, "clips": self._clips()}
        path.write_text(json.dumps(plan))
        self.clock.say(f"{steps} steps of {self.recipes.joint.batch} for every row")
        return steps

    def _ship(self, made: Path, name: str) -> None:
        """Puts the row and its VAEs where they are loaded from: the row in the form in which it ships."""
        variant = VARIANTS[name.partition("-seed")[0]]
        for part in ("video-vae", motion_vae_name(variant)):
            ship(self.folder / part / FILE, self.shipped, name, PRESETS[PRESET].form)
        ship(made, self.shipped, name, PRESETS[PRESET].form)
        if made.with_name("probe.csv").is_file():
            shutil.copyfile(made.with_name("probe.csv"), self.shipped / f"{name}.probe.csv")

    def _keep(self, name: str, scores: dict[str, float]) -> None:
        self.scored[name] = scores
        self.scores_file.write_text(json.dumps(self.scored))
        self.clock.say(f"{name}: {named_values(scores)}")

    def _is_adopted(self, part: str) -> bool:
        return self.options.adopt is not None and (self.options.adopt / f"{part}.card.json").is_file()

    def _report(self, step: int, values: Any) -> None:
        if time.monotonic() - self.said > 5:
            self.said = time.monotonic()
            self.clock.say(f"  {step}: {named_values(values)}")


def _minutes(last: dict[str, str]) -> str:
    return f"{float(last['seconds']) / 60:.1f}" if last else ""
