"""Runs that overlap although they must not: of a task, a chain, a pool, or all together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from .case import Case
from .findings import Found, Kind
from .lived import Life, crowds, pool_of


def overlapping(case: Case, lived: Sequence[Life]) -> Iterator[Found]:
    """Find every run that began while too many others went on."""
    tasks, pools = _sorted(case, lived)
    for same in tasks.values():
        yield from _in_task(case, same)
    for name, same in pools.items():
        yield from _in_pool(case, name, same)
    if case.history.max_running is not None:
        processes = [life for life in lived if not case.is_chain(life.stay.row.task)]
        yield from _over(crowds(processes), case.history.max_running, "max_running of all pools")


Lives = dict[str, list[Life]]


def _sorted(case: Case, lived: Sequence[Life]) -> tuple[Lives, Lives]:
    tasks, pools = defaultdict(list), defaultdict(list)
    for life in lived:
        task = life.stay.row.task
        tasks[task].append(life)
        pool = pool_of(case.policy(task, life.begin))
        if pool is not None:
            pools[pool].append(life)
    return tasks, pools


def _in_task(case: Case, lived: Sequence[Life]) -> Iterator[Found]:
    for life, count in crowds(lived):
        policy = case.policy(life.stay.row.task, life.begin)
        if policy.overlap != "allow":
            yield from _over([(life, count)], 1, f'overlap = "{policy.overlap}"')
        elif policy.max_running is not None:
            yield from _over([(life, count)], policy.max_running, "max_running of the task")


def _in_pool(case: Case, name: str, lived: Sequence[Life]) -> Iterator[Found]:
    for life, count in crowds(lived):
        size = case.policy(life.stay.row.task, life.begin).pool_size
        if size is not None:
            yield from _over([(life, count)], size, f"the size of pool {name}")


def _over(
    counted: Sequence[tuple[Life, int]] | Iterator[tuple[Life, int]], most: int, limit: str
) -> Iterator[Found]:
    for life, count in counted:
        if count > most:
            text = f"it is number {count} at once, and {limit} allows {most}"
            yield Kind.OVERLAPPING, life.stay.row.task, life.stay.due, text
