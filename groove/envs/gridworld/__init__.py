"""Gridworlds: levels, dynamics, named and random sets of levels, edits, an exact solver, pictures and files."""
