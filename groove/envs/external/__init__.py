"""Environments of other packages, behind this project's interfaces."""
