"""Tests of what `linod why` answers."""
