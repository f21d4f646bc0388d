"""Folder of the weights that come with the package. Imports no torch."""

from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "weights"
"""It has one folder per preset."""
