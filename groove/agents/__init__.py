"""What is an agent? Heads on a table or a network, and the optimizer that moves them."""
