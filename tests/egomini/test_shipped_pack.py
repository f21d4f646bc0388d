"""The shipped pack holds all that a run reads of the references, and its numbers come out again.

`python -m egomini.splits.ship_scored` makes it anew; `--check` derives the whole of it again.
"""

import pytest

from egobench.fit.pack_check import check_again
from egobench.metrics.base import ClipMetric
from egobench.plan.plan import plan
from egobench.plan.request import RunRequest
from egobench.run.extract import MissingInputs
from egobench.scoring.floor_and_chance import floor_and_chance_inputs, load_floor_and_chance
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.packs import with_packs
from egobench.scoring.stand_ins import plan_stand_ins
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.store.pack import open_pack
from egomini.splits.frozen import SCORED, SPECS
from egomini.splits.ship_scored import NAMES

SHARE, SEED = 0.02, 14
pytestmark = pytest.mark.skipif(not SCORED.is_file(), reason="no pack is shipped")


def test_the_pack_is_that_of_the_shipped_splits():
    pack = open_pack(SCORED)
    assert pack is not None
    assert set(pack.about["splits"]) == set(NAMES) == {"egomini-test", "egomini-smoke"}
    assert all(SPECS[name].packs() == (SCORED,) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"task": "tm2v"}, {"task": "tv2m"}, {"limit": 6, "seeds": 3}], ids=str)
def test_a_run_finds_all_it_reads_of_the_references_in_the_pack(name, options, tmp_path):
    """If not, weights or metrics have changed since: `python -m egomini.splits.ship_scored` makes the pack anew."""
    run_plan = plan(RunRequest(model="reference", split=name, **options))
    inputs = Inputs(run_plan.split, RunFolder(tmp_path), with_packs(Cache(tmp_path), run_plan.split), {})
    stand_ins = plan_stand_ins(inputs, [info.clip_id for info in run_plan.infos], run_plan.request.seeds)
    groups, missing, without = open_pack(SCORED).about["groups"], MissingInputs(inputs), []
    for metric in run_plan.metrics:
        for need in metric.needs().values():
            for clip_id in stand_ins.clip_ids if need.source != "sample" and need.what in groups else ():
                missing.add(inputs.cached_input(need, clip_id, Origin()), clip_id)
        bounds = load_floor_and_chance(metric, inputs, stand_ins, run_plan.protocol_of(metric)[1])
        if bounds is None and (isinstance(metric, ClipMetric) or not options.get("limit")):
            without.append(metric.name)
        elif bounds is None:
            for clip_id, entry in floor_and_chance_inputs(metric, inputs, stand_ins):
                if entry.what in groups:
                    missing.add(entry, clip_id)
    assert without == []
    assert [(item.clip_id, [entry.what for entry in item.inputs]) for item in missing.items()] == []


def test_a_fiftieth_of_the_pack_is_derived_again():
    said, flaws = check_again(SCORED, NAMES, share=SHARE, seed=SEED, workers=0)
    assert flaws == [], said
