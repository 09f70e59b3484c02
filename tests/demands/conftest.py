"""A world for each case."""

from .building import world

__all__ = ["world"]
