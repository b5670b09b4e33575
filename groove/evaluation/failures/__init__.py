"""Failures of a rule: random levels beside A2C, and searches for levels on which the rule falls short."""
