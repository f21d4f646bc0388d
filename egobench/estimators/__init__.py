"""Pixels → a physical quantity: where the camera went, where the hands are."""
