"""How does an agent live? Rollouts, whole lifetimes on devices and on the host, and learning curves."""
