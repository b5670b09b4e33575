"""Helpers that know nothing of reinforcement learning: errors, files, text, plots, devices, statistics."""
