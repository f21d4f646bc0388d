"""Where the weights that come with the package lie. Imports no torch."""

from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "weights"
"""A folder per preset."""
