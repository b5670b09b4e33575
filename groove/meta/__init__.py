"""Meta-optimizers: how the parameters of the learned rule move."""
