"""What the programs of figures share: plans, the steps of plans, flags and drawing."""
