"""One program for each figure of the paper."""
