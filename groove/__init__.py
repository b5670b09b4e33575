"""GROOVE: reinforcement-learning update rules discovered by meta-learning on an adversarial curriculum."""
