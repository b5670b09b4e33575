"""How do I use a rule? Rules by name, rule files, and the losses of learned rules in any training loop."""
