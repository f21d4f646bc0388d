"""What everything fitted shares, extractor or estimator: the training loop, weight files, faults of videos."""
