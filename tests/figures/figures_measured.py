"""Tables and sentences without figures of their own, and figures that no file here holds, with what measures them."""

from figures_text import Table

WORDS = {
    "docs/ci.md: file | goes to | what it is",
    "docs/cluster.md: what | where it is compared",
    "docs/cluster.md: what happened | what comes of it",
    "docs/egotwin.md: row | `variant=` | makes",
    "docs/estimators.md: name | what it does | gives",
    "docs/gate.md: outcome | when | exit",
    "docs/gate.md: verdict | means",
    "docs/motion-files.md: file | what | notes",
    "docs/motion-files.md: for | how",
    "docs/speed.md: option | default | what it does",
    "docs/runs.md: code | what was found",
    "docs/runs.md: file | states | compared",
    "docs/runs.md: verb | what it does",
    "docs/runs.md: what happened | what to do",
    "docs/runs.md: what is said | what to do",
    "docs/runs.md: what the model does | what comes of it",
    "docs/submission-errors.md: code |  | cause",
    "docs/submissions.md: file | arrays | notes",
    "docs/submissions.md:  | `check` | `score`",
}
"""Tables that say how things are done; a number in them is a code, a shape or a limit, and no measurement."""

_TWO_RUNS = "egobench compare runs/A runs/B"
_EGOTWIN = "egobench run --model egotwin --split egomini-test"
_GPU = "bash benchmarks/gpu/run.sh start FOLDER 12"
_ERRORS = "python benchmarks/studies/estimators.py --estimators rotation-chain colmap"
_COLMAP, _CHAIN = "make bench ARGS='--slow -k colmap_processes'", "make bench ARGS='--slow -k rotation_chain'"
_ROUNDED = "egobench score FOLDER --split egomini-test --metrics m-fid,r-precision,mm-dist"
"""Of a folder whose positions and rotations were rounded; `egobench check --example` writes one of the reference."""

MEASURED = {
    ("docs/size.md: metric, MiB | 256 clips | 512", ""): "make bench ARGS='--slow -k bench_memory'",
    ("docs/size.md: what | an item | a million", ""): "python benchmarks/size.py --items 1000 3000 10000 30000",
    ("docs/size.md: items | sampled a second | extracted a second", ""): (
        "python benchmarks/size.py --items 1000 3000 10000 30000"
    ),
    ("docs/egotwin.md:  | mini | small", ""): "python benchmarks/egotwin/quality.py --clips 256",
    ("docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓", "egotwin-vae (the reference through the VAEs)"): (
        "egobench run --model egotwin-vae --split egomini-test"
    ),
    ("docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓", "… its second training"): (
        f"{_EGOTWIN} --set variant=VARIANT train_seed=1 weights=FOLDER"
    ),
    ("docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓", "the same, video and motion of two seeds"): (
        "egobench run --model reseeded --split egomini-test"
    ),
    ("docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓", "EgoTwin, TM2V"): f"{_EGOTWIN} --task tm2v",
    ("docs/egotwin.md:  | trans-err (m) ↓ | rot-err (deg) ↓", "… guided, the same pair"): (
        f"{_EGOTWIN} --task tm2v --set guidance=1.5 partner_guidance=2"
    ),
    ("docs/egotwin.md:  | text w_t | partner", "row - EgoTwin, paired"): _TWO_RUNS,
    ("docs/egotwin.md: t_v | t_m | EgoTwin: own", ""): "egobench train egotwin --stage 3",
    (
        "docs/egotwin.md:  | float32: clips/s | share of products",
        "",
    ): "make bench ARGS=\"--slow -k 'egotwin_step or products'\"",
    (
        "docs/egotwin.md:  | samples/s | TFLOP/s, of 790 in large products",
        "",
    ): _GPU,
    (
        "docs/estimators.md: aim | measured |",
        "",
    ): _ERRORS,
    ("docs/estimators.md: aim | measured |", "two processes at least 1.8 times one"): _COLMAP,
    ("docs/estimators.md: aim | measured |", "rotation-chain` under 1 s a clip"): _CHAIN,
    (
        "docs/estimators.md: clip |  | `colmap` says",
        "",
    ): _ERRORS,
    ("docs/gate.md: clips spoilt | regressed (exit 1) | jerk", ""): "python benchmarks/studies/gate_power.py --write",
    ("docs/gate.md: harm, in tolerances | jerk | foot-skate", ""): "python benchmarks/studies/gate_power.py --write",
    ("docs/gate.md: simulated | jackknife (used) | percentile", ""): "python benchmarks/studies/difference_coverage.py",
    ("docs/gate.md: clips | terms | statistics", ""): "make bench ARGS='--slow -k bench_compare'",
    ("docs/submissions.md: motions | precision | m-fid", "float16"): _ROUNDED,
    ("docs/submissions.md: motions | precision | m-fid", "bfloat16"): _ROUNDED,
    (
        "docs/submissions.md: motions | precision | m-fid",
        "egotwin-vae",
    ): "egobench run --model egotwin-vae --split egomini-test",
}
"""Table and row or column (all of it where empty) → the command that measures it. Runs are not in the repository."""

SENTENCES = {
    "README.md": {
        "{} to {} seconds each on two cores with features cached, about {} without": (
            "make bench ARGS='--slow -k run_reference'"
        ),
    },
    "docs/egotwin.md": {
        "about {} CPU seconds and {} MB per clip": "make bench ARGS='-k bench_world'",
        "The shipped weights are from one such run of {} seconds on an H200": _GPU,
        "it estimated {} hours in all, {} of them": "make rows",
    },
    "docs/estimators.md": {
        "the eight walks took {} s in one process, and twice the eight {} s in two: {} times as many": _COLMAP,
    },
    "docs/metric-validation.md": {
        "{} of {} clips stand still where the reference's hands move. By version {}, which compared a sample only with "
        "its own motion, `static` had {}": "egobench validate-metrics --faults yaw-drift",
        "trans-err {} m against its floor of {}, intervals overlapping": (
            "egobench validate-metrics --faults video-mirror --ladders FILE"
        ),
        "Only {} or {} of the {} clips have the parallax": (
            "egobench validate-metrics --split egomini-hd --limit 12 --metrics fov-drift --faults zoom"
        ),
    },
}
"""Page → sentences with figures that no file here holds, and the command that measures them."""


def measured(table: Table, *names: str) -> bool:
    """Whether the table, or a row or column of it with one of these names, is one of the exceptions."""
    return any((table.key, name) in MEASURED for name in ("", *names))
