"""What `egobench run --dry-run` prints."""

from egobench.cli.options import print_json
from egobench.cli.stdout import print
from egobench.plan.plan import RunPlan


def print_plan(plan: RunPlan, as_json: bool) -> None:
    """Prints what a run would do."""
    request = plan.request
    facts = {
        "model": plan.target,
        "settings": plan.settings,
        "split": f"{plan.split.name}, digest {plan.split.digest[:12]}",
        "task": request.task,
        "clips": len(plan.infos),
        "seeds": request.seeds,
        "samples": len(plan.items),
        "metrics": list(plan.labelled),
        "left out": plan.left_out,
        "protocols": {label: plan.protocol_of(metric)[0] for label, metric in plan.labelled.items()},
        "device": request.device,
        "engine": f"{request.engine}, {request.workers} workers",
        "batches": f"{plan.sizes.generate} samples, {plan.sizes.extract} for extractors",
        "out": request.out,
    }
    if as_json:
        print_json(facts)
        return
    width = max(len(key) for key in facts)
    facts["metrics"] = ", ".join(facts["metrics"])
    facts["left out"] = "; ".join(plan.left_out.values()) or "none"
    del facts["protocols"]
    for key, value in facts.items():
        print(f"{key:<{width}}  {value}")
    print("nothing was done; leave out --dry-run to run it")
