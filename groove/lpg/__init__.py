"""What is an update rule? The Learned Policy Gradient, and the hand-written rules it is measured against."""
