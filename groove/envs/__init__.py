"""Environments: families of levels that share their dynamics."""
