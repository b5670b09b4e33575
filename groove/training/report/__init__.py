"""The report of a run, or of several runs side by side, as one HTML page."""
