"""Is a finished run unchanged since it was finished, and do its numbers follow from its samples?

First, every record is compared with the files (`verify_records.py`). Then a share of the items is made again in a fresh
process with an empty cache: sampled, extracted, scored (`rederive.py`). Last, floor and chance are computed again
(`verify_floors.py`). Nothing is written to the run.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from egobench.audit.rederive import Rederived, RederiveItem, RederiveJob, rederived_flaws, set_flaws
from egobench.audit.verify_floors import check_floors
from egobench.audit.verify_records import Records, read_records, record_flaws
from egobench.data.check_split import check_split
from egobench.engines.local import LocalEngine
from egobench.errors import BadInputError, NotComparableError, UnknownNameError
from egobench.files.plain import differing_fields
from egobench.plan.devices import resolve_device
from egobench.plan.plan import RunPlan
from egobench.progress import Progress, Quiet
from egobench.run.extract import MissingInputs, makers_of
from egobench.run.finished import metrics_text, plan_of_run, split_of_run
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.packs import with_packs
from egobench.store.cache import Cache, cache_at, cache_place
from egobench.store.folder import RunFolder, open_run
from egobench.store.manifest import read_finished
from egobench.store.seal import SEAL_SINCE, Flaw, seal_flaws
from egobench.store.tables import ItemRow

SHARE = 0.02


@dataclass
class Verification:
    """The outcome; the run is good if there are no flaws."""

    path: Path
    flaws: list[Flaw] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    """Kind of record → number of comparisons."""
    unchecked: list[str] = field(default_factory=list)
    """What could not be compared on this machine, and why. That is no flaw of the run."""
    derived: list[str] = field(default_factory=list)
    """`<clip>/<seed>` that were derived again."""


def verify_run(
    path: Path | str, *, share: float = SHARE, seed: int = 0, progress: Progress | None = None, trust: bool = True
) -> Verification:
    """Verifies a finished run.

    Args:
        share: 0 … 1 of the items that have a sample; at least one of them unless it is 0, which derives nothing and
            needs neither split nor weights.
        seed: of the choice.
        trust: see `check_split`.

    Raises:
        BadInputError: `run-missing`, `run-unfinished`, `range`, or a manifest that cannot be read.
    """
    if not 0 <= share <= 1:
        raise BadInputError(f"share is {share}; a number from 0 to 1 is needed", code="range")
    folder = open_run(path)
    folder.pull_samples()
    manifest = read_finished(folder)
    found = Verification(folder.path)
    if manifest["schema"] < SEAL_SINCE:
        found.unchecked.append(f"seal: a run of schema {manifest['schema']} has none; its files are held to each other")
    found.flaws += seal_flaws(folder, manifest)
    records = read_records(folder, manifest)
    found.flaws += record_flaws(folder, records, found.checked)
    if share == 0:
        found.unchecked.append("items: none was derived again (--share 0)")
        return found
    run_plan = _plan(records, found, progress, trust)
    if run_plan is not None:
        _check_cache(folder, run_plan, records, found)
        _derive(folder, run_plan, records, _chosen(records, share, seed), found, progress or Quiet())
    return found


def _chosen(records: Records, share: float, seed: int) -> list[ItemRow]:
    ok = [item for item in records.items if item.status == "ok"]
    count = min(len(ok), max(1, round(share * len(ok))))
    places = np.random.default_rng(seed).choice(len(ok), count, replace=False) if ok else []
    return [ok[place] for place in sorted(int(place) for place in places)]


def _plan(records: Records, found: Verification, progress: Progress | None, trust: bool) -> RunPlan | None:
    """The run's plan with what is installed here; None where its items cannot be made again, which is a flaw."""
    manifest = records.manifest
    name = manifest["split"]["name"]
    try:
        split, infos = split_of_run(manifest)
        check_split(split, progress, trust=trust)
    except NotComparableError as error:
        found.flaws.append(Flaw("split-changed", f"split {name}", str(error), "the content that was run"))
        return None
    except (UnknownNameError, BadInputError) as error:
        if getattr(error, "code", "") in ("split-content", "split-digest"):
            found.flaws.append(Flaw("split-changed", f"split {name}", str(error), "the content that was run"))
            return None
        found.flaws.append(Flaw("split-missing", f"split {name}", str(error), "the split here, or --share 0"))
        return None
    found.checked["split"] = 1
    found.flaws += records.split_flaws(infos)
    try:
        run_plan = plan_of_run(manifest, metrics_text(manifest))
    except (UnknownNameError, BadInputError) as error:
        found.flaws.append(Flaw("metric-missing", "metrics", str(error), "all metrics of the run here, or --share 0"))
        return None
    found.checked["protocols"] = len(run_plan.labelled)
    for label, metric in run_plan.labelled.items():
        digest, record = run_plan.protocol_of(metric)
        recorded = records.metrics.get(label, {}).get("protocol")
        if recorded in (None, digest):  # one that is missing from metrics.json is a flaw already
            continue
        fields = ", ".join(differing_fields(manifest["protocols"].get(recorded, {}), record))
        text = f"another protocol than {label} has here: {fields} differ"
        found.flaws.append(Flaw("protocol-other", "manifest.json", text, "the code and weights that it was run with"))
    return run_plan


def _check_cache(folder: RunFolder, run_plan: RunPlan, records: Records, found: Verification) -> None:
    """Checks every cache entry of the run's samples and of their references."""
    cache = with_packs(cache_at(cache_place()), run_plan.split)
    inputs = Inputs(run_plan.split, folder, cache, {})
    seen: set[str] = set()
    counts = {"absent": 0, "whole": 0, "damaged": 0}
    for item in records.items:
        if item.status != "ok" or item.clip not in inputs.infos:
            continue
        for metric in run_plan.metrics:
            for need in metric.needs().values():
                entry = inputs.cached_input(need, item.clip, Origin(item))
                if entry is None or entry.key in seen:
                    continue
                seen.add(entry.key)
                state = inputs.state(entry)
                counts[state] += 1
                if state == "damaged":
                    what = f"cache entry {cache.entry(entry.key)}"
                    text = f"bytes that do not have the digest they carry ({entry.what} of {item.clip})"
                    found.flaws.append(Flaw("cache-damaged", what, text, "no such file (delete it, it comes back)"))
    found.checked["cache entries"] = counts["whole"] + counts["damaged"]
    if counts["absent"]:
        found.unchecked.append(f"cache: {counts['absent']} of {len(seen)} entries are not there; they may be deleted")


def _derive(
    folder: RunFolder,
    run_plan: RunPlan,
    records: Records,
    chosen: Sequence[ItemRow],
    found: Verification,
    progress: Progress,
) -> None:
    if not chosen:
        found.unchecked.append("items: no item has a sample that could be derived again")
        return
    cache, request = cache_at(cache_place()), run_plan.request
    device = resolve_device(request.device)
    items = []
    for item in chosen:
        missing_inputs = MissingInputs(Inputs(run_plan.split, folder, Cache(folder.path / "nothing"), {}))
        for metric in run_plan.metrics:
            for need in metric.needs().values():
                entry = missing_inputs.inputs.cached_input(need, item.clip, Origin(item))
                missing_inputs.add(entry, item.clip, item if need.source == "sample" else None)
        items.append(RederiveItem(item, tuple(missing_inputs.items())))
    makers = makers_of(part for item in items for part in item.extract)
    progress.stage("derive", len(items))
    answers: list[Rederived] = []
    with tempfile.TemporaryDirectory(prefix="egobench-verify-") as scratch:
        job = RederiveJob(records.manifest, request, folder.path, cache.place, Path(scratch), makers, device)
        for outcome in LocalEngine(1).run(job, items):
            item, answer = outcome.item.row, outcome.answer
            if answer.code:
                right = "an item that can be derived again"
                flaw = Flaw(answer.code, f"item {item.clip}/{item.seed}", answer.reason, right)
                found.flaws.append(flaw)
            else:
                answers.append(answer.value)
            progress.advance(1, bool(answer.code))
    progress.done()
    for answer in answers:
        found.flaws += rederived_flaws(answer, records)
        found.derived.append(f"{answer.clip}/{answer.seed}")
        if answer.model_absent:
            found.unchecked.append(f"model: {answer.model_absent}; samples were not made again")
    found.unchecked = list(dict.fromkeys(found.unchecked))
    found.checked["items derived again"] = len(answers)
    inputs = Inputs(run_plan.split, folder, with_packs(cache, run_plan.split), {})
    sets, skipped = set_flaws(run_plan, inputs, records)
    found.flaws += sets
    found.unchecked += skipped
    yardsticks = check_floors(run_plan, inputs, records, progress)
    found.flaws += yardsticks.flaws
    found.unchecked += yardsticks.skipped
    found.checked["floors and chances"] = yardsticks.compared
