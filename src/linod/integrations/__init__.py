"""What linod brings for other frameworks; each is an extra."""
