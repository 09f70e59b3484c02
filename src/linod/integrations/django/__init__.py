"""linod and Django."""
