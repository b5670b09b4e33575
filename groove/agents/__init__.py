"""Agents: the heads on a table or a network, and the optimizer that moves the parameters."""
