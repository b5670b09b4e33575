"""Releases: the choice among finished runs, and the model card of a released rule."""
