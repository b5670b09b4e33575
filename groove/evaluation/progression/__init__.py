"""Progression: scores from 0 (random play) to 1 (the best known), by task, suite and skill, with their uncertainty."""
