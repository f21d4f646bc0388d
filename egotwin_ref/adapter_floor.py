"""The old place of `egotwin_ref.adapters.vae_control`; it goes with the next release."""

import warnings

from egotwin_ref.adapters.vae_control import Loaded, VaeControl

__all__ = ["Loaded", "VaeControl"]

warnings.warn("egotwin_ref.adapter_floor is now egotwin_ref.adapters.vae_control", DeprecationWarning, stacklevel=2)
