"""Levels of runs and files: listed, drawn, written and read."""
