"""The old place of `egotwin_ref.adapters.model`; it goes with the next release."""

import warnings

from egotwin_ref.adapters.model import EgoTwinModel, Loaded, clip_seed

__all__ = ["EgoTwinModel", "Loaded", "clip_seed"]

warnings.warn("egotwin_ref.adapter is now egotwin_ref.adapters.model", DeprecationWarning, stacklevel=2)
