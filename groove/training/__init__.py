"""A run: configuration, the loop, checkpoints, logs, and everything else that a run directory holds."""
