"""Many runs: the processes of sweeps and figures, on one machine, a Ray cluster or Slurm."""
