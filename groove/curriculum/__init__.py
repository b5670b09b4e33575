"""Curricula: which level each slot trains on next, and how the outcomes of earlier lifetimes decide it."""
