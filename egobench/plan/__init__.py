"""What a run is asked to do, and what that comes to: names, settings, metrics, protocols. Writes nothing."""
