"""Rooms: their things, with places, shapes and surfaces."""
