"""Learned rules in other people's training loops: finding rules, rule files and losses."""
