"""Is a curriculum open-ended? Novelty and learnability of the levels that it chose, in the eyes of an observer."""
