"""Disco103, the rule that DeepMind discovered (Oh et al. 2025), from its published weights."""

NAME = "disco103"
