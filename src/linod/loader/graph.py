"""Cycles in what waits for what; without recursion, in linear time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

CYCLES_MAX = 20
"""Nobody mends more at once; each may be as long as the list of tasks."""


def cycles(waits: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Find cycles: at least one in each knot, none twice. A name waits for those it maps to."""
    done: set[str] = set()
    found: list[tuple[str, ...]] = []
    for name in waits:
        if name not in done and len(found) < CYCLES_MAX:
            found += _cycles_from(name, waits, done)
    return found


def _cycles_from(
    start: str, waits: Mapping[str, Sequence[str]], done: set[str]
) -> list[tuple[str, ...]]:
    """Walk depth first from one name; where the way meets itself, it is a cycle."""
    found: list[tuple[str, ...]] = []
    way = [start]
    index_on_way = {start: 0}
    open_edges: list[Iterator[str]] = [iter(waits.get(start, ()))]
    while way:
        following = next(open_edges[-1], None)
        if following is None:
            open_edges.pop()
            del index_on_way[way[-1]]
            done.add(way.pop())
        elif following in index_on_way and len(found) < CYCLES_MAX:
            found.append(tuple(way[index_on_way[following] :]))
            # One cycle per knot is enough to begin with: the rest of it counts as seen.
            done.update(way)
        elif following not in done and following not in index_on_way:
            index_on_way[following] = len(way)
            way.append(following)
            open_edges.append(iter(waits.get(following, ())))
    return found
