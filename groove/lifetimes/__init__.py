"""The lifetime of agents: rollouts, whole lifetimes on devices and on the host, and learning curves."""
