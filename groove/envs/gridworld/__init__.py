"""Gridworlds: levels, dynamics, the named sets of the literature, an exact solver and pictures."""
