"""Are the instruments right? Ladders of known faults, calibration cards, conformance vectors."""
