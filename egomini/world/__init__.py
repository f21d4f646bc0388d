"""Rooms: what stands where, of which form and surface."""
