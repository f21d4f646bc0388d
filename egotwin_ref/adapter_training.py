"""The old place of `egotwin_ref.adapters.training`; it goes with the next release."""

import warnings

from egotwin_ref.adapters.training import STAGES, EgoTwinTraining

__all__ = ["STAGES", "EgoTwinTraining"]

warnings.warn("egotwin_ref.adapter_training is now egotwin_ref.adapters.training", DeprecationWarning, stacklevel=2)
