"""What is an agent? The heads on a table or a network, and the optimizer that moves the parameters."""
