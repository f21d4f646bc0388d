"""Are metrics and estimators right? Ladders of known faults, calibration cards, conformance vectors."""
