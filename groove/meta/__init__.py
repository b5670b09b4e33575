"""The movement of eta: slots of lifetimes, the meta-critic, the meta-gradient and evolution strategies."""
