"""The manifest that a run begins with: what it was asked to do, and what that comes to."""

from collections.abc import Mapping
from typing import Any

from egobench.plan.batching import sizes_record
from egobench.plan.plan import RunPlan
from egobench.plan.request import request_record
from egobench.store.folder import RunFolder
from egobench.store.manifest import SCHEMA, environment, now


def first_manifest(folder: RunFolder, run_plan: RunPlan) -> dict[str, Any]:
    """Every field of a new run's manifest, JSON-ready."""
    request = request_record(run_plan.request)
    options = {name: value for name, value in request.items() if name != "typed"}
    split = run_plan.split
    return {
        "schema": SCHEMA,
        "run": folder.run_id,
        "identity": run_plan.identity,
        "status": "started",
        "started": now(),
        "request": request,
        "typed": {name: value for name, value in options.items() if name in run_plan.request.typed},
        "defaulted": {name: value for name, value in options.items() if name not in run_plan.request.typed},
        "model": {
            **{"name": run_plan.request.model_name, "target": run_plan.target, "settings": run_plan.settings},
            **({"code": run_plan.code} if run_plan.code else {}),
        },
        **({"submission": run_plan.settings} if run_plan.request.submission else {}),
        "split": {"name": split.name, "digest": split.digest, "facts": dict(split.facts)},
        "task": run_plan.request.task,
        "seeds": list(range(run_plan.request.seeds)),
        "items": {"planned": len(run_plan.items), "failed": 0},
        "metrics": list(run_plan.labelled),
        "left_out": run_plan.left_out,
        "protocols": run_plan.protocols,
        "weights": weights_of(run_plan.settings, run_plan.protocols),
        "batches": sizes_record(run_plan.sizes),
        "seconds": {},
        **environment(),
    }


def weights_of(settings: Mapping[str, Any], protocols: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of every weight file, of the model's settings and of the extractors."""
    found = {f"model.{k}": v["sha256"] for k, v in settings.items() if isinstance(v, dict) and "sha256" in v}
    for record in protocols.values():
        for name, extractor in record["extractors"].items():
            if "weights_sha256" in extractor:
                found[name] = extractor["weights_sha256"]
    return found
