"""Searches for levels on which a rule fails: by quality and diversity, by quality alone, or at random."""
