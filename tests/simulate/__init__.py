"""`linod simulate` and `linod.testing`: a configuration played in advance."""
