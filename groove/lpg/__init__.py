"""Update rules: the Learned Policy Gradient, and hand-written rules as antagonists and baselines."""
