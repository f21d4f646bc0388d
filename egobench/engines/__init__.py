"""Engines do the work of a run: in worker processes of this machine, or in the caller's own process."""
