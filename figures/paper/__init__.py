"""One program for each figure of the paper, and `all.py` for all of them."""
