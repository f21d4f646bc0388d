"""A finished run: verify it, derive it again, rescore it, show the errors of one sample over time."""
