"""Environments: families of levels that agents are trained and tested on."""
