"""Comparisons of rules: statistics, tables and pictures of stored results."""
