"""The alarm of learned evaluators: a model that scores better than the recorded truth exploits the evaluator.

The captions describe the recorded truth. So a score that is better by more than chance means that the model was fitted
to the evaluator, or that the evaluator is too weak. In text-to-motion tables this has happened often without a warning.
"""

from typing import Literal

from egobench.errors import BadInputError


def beats_reference(
    sample_ci95: tuple[float, float], reference_ci95: tuple[float, float], better: Literal["lower", "higher"]
) -> bool:
    """Whether the sample's whole interval lies on the better side of the reference's whole interval.

    Raises:
        BadInputError: `interval-order`: an interval whose ends are swapped or not numbers.
    """
    for low, high in (sample_ci95, reference_ci95):
        if not low <= high:
            raise BadInputError(f"interval {low} … {high}; the low end comes first", code="interval-order")
    if better == "higher":
        return sample_ci95[0] > reference_ci95[1]
    return sample_ci95[1] < reference_ci95[0]
