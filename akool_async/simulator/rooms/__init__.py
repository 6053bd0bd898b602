"""Rooms in which a simulated session takes place, one module or package per kind."""
