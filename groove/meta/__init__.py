"""How does eta move? Slots of agent lifetimes, the meta-critic, the meta-gradient and evolution strategies."""
