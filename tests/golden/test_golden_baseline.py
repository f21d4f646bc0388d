"""Old baselines must still load: they stand in other people's repositories."""

from pathlib import Path

from egobench.compare.baseline import baseline_side, read_baseline
from egobench.compare.comparison import compare_sides

FILE = Path(__file__).parent / "baseline-schema-1.json"


def test_a_baseline_of_schema_1_is_read():
    side = baseline_side(FILE)
    assert (side.model, side.split, side.task, len(side.items)) == ("pipeline_toys:ToyModel", "toy", "t2vm", 8)
    speed, colour = (side.source.terms(name, None) for name in ("toy-speed", "toy-colour"))
    assert (len(speed.keys), speed.value) == (7, 0.6151442731311002)
    assert (len(colour.keys), len(colour.left_out)) == (8, 4)
    assert [(key.clip, why.status) for key, why in side.source.lost("toy-speed").items()] == [("toy-03", "undefined")]
    assert read_baseline(FILE)["history"][0]["reason"] == "the first baseline of all"


def test_a_baseline_of_schema_1_is_compared_with_itself():
    rows = compare_sides(baseline_side(FILE), baseline_side(FILE)).rows
    assert {(row.metric, row.verdict, row.difference.value) for row in rows} == {
        *(("toy-colour", "equivalent", 0.0), ("toy-speed", "equivalent", 0.0)),
    }
