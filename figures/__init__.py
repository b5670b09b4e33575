"""The figures of the paper and their analyses, as programs."""
