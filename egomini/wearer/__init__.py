"""The wearer: body, shape, gait, and how a script of targets becomes poses."""
