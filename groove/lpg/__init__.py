"""Update rules: the Learned Policy Gradient, and the hand-written ones it is measured against."""
