"""The records that a run leaves while it goes on: metrics, levels, displays and pictures."""
