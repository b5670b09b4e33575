"""States of runs on disk, from which runs are resumed."""
