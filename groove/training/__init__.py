"""What is a run? Configuration, the loop, checkpoints, logs, and everything else a run directory holds."""
