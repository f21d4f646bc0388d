"""A finished run looked at again: verify, derive again, rescore, errors of one sample over time."""
