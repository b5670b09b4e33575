"""How do rules compare? Statistics, tables and pictures of stored results."""
