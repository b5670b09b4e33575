"""Policies that design levels, for the curriculum `paired`."""
