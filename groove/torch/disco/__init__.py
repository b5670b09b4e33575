"""Disco103 in PyTorch, file by file as in groove.lpg.disco."""
