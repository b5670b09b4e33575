"""What is an update rule? The Learned Policy Gradient, and hand-written rules as antagonists and baselines."""
