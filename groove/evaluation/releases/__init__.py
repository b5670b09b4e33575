"""Which run becomes a released rule, and the card that comes with it."""
