"""Estimators turn pixels into a physical quantity: the path of the camera, or the place of the hands."""
