"""Programs that take rules apart, compare curricula, and print tables of stored results."""
