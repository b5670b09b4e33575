"""The code that the programs of `figures/` share: flags, plans, their steps, and drawing."""
