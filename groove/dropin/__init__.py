"""How do I use a rule? Loading rules by name, their files, and their losses in other people's loops."""
