"""Fits evaluators: one file an evaluator, and the training loop that they share."""
