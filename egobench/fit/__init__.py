"""Fits evaluators: one file per evaluator, and the training loop that they share."""
