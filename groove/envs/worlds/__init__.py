"""Procedural arcade worlds: levels as sets of rules, their distribution, dynamics, observations, edits and pictures."""
