"""Random configurations: what linod is given, and the same in the words of the checker's oracle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve, frozen

from checker import oracle
from linod.recurrence import parse
from linod.recurrence.model import MANUALLY, Recurrence
from linod.specs import (
    Allowed,
    CatchUp,
    Chain,
    Config,
    Cooldown,
    Linod,
    OnFailed,
    OnLost,
    Overlap,
    Pool,
    Retry,
    Task,
    TaskName,
    ZoneName,
)

from .keepers import Habit

ZONES = ("Europe/Tallinn", "America/New_York", "Australia/Lord_Howe", "UTC")
_PERIODS_S = (1, 2, 3, 5, 7, 10, 10, 15, 30, 60, 60, 300, 900)


@frozen(kw_only=True)
class Recipe:
    """One task: its spec, how its runs behave, and when the oracle says it is due."""

    task: Task
    parts: tuple[oracle.Part, ...]
    habit: Habit


@frozen(kw_only=True)
class Setting:
    """One configuration, as linod and as the checker see it."""

    config: Config
    recipes: tuple[Recipe, ...]
    chains: tuple[tuple[Chain, tuple[oracle.Part, ...]], ...] = ()

    @property
    def habits(self) -> dict[str, Habit]:
        """How the runs of each task behave."""
        return {recipe.task.name: recipe.habit for recipe in self.recipes}


class Chooser:
    """Makes configurations, and others that are a little different."""

    def __init__(self, random: Random, zone: str) -> None:
        """`zone`: the one in which the clocks are set soon, if any are."""
        self._random = random
        self._zones = (*ZONES, *(zone,) * 8)
        self._periods_share = 0.75 if zone == "UTC" else 0.4
        self._numbers = iter(range(1, 10_000))

    def setting(self) -> Setting:
        """Make a configuration."""
        recipes = [self._recipe() for _ in range(self._random.randint(2, 9))]
        pools = {"small": Pool(name="small", size=self._random.randint(1, 3))}
        max_running = self._random.choice([64, 64, 64, 5])
        others = [*self._behind(recipes), *self._endless()]
        return _setting([*recipes, *others], self._chain(), pools, max_running)

    def changed(self, former: Setting) -> Setting:
        """Change a few tasks, remove some, add some."""
        recipes = [
            self._change(recipe) if self._random.random() < 0.2 else recipe
            for recipe in former.recipes
            if self._random.random() > 0.05 or _is_needed(recipe, former)
        ]
        if self._random.random() < 0.3:
            recipes.append(self._recipe())
        chains = [(chain, parts) for chain, parts in former.chains]
        linod, pools = former.config.linod, former.config.pools
        return _joined(recipes, chains, pools, linod.max_running)

    # -- one task -----------------------------------------------------------------------------

    def _recipe(self) -> Recipe:
        name = f"task{next(self._numbers)}"
        recurrence, parts = self._recurrence()
        task = Task(name=TaskName(name), shell="true", recurrence=recurrence, **self._keys())
        return Recipe(task=task, parts=parts, habit=self._habit())

    def _change(self, recipe: Recipe) -> Recipe:
        if recipe.task.after or any(isinstance(part, oracle.Events) for part in recipe.parts):
            return recipe
        recurrence, parts = self._recurrence()
        return evolve(recipe, task=evolve(recipe.task, recurrence=recurrence), parts=parts)

    def _recurrence(self) -> tuple[Recurrence, tuple[oracle.Part, ...]]:
        random = self._random
        if random.random() < self._periods_share:
            period = random.choice(_PERIODS_S)
            text = "every second" if period == 1 else f"every {period} seconds"
            return parse(text), (oracle.Every(seconds=period),)
        if random.random() < 0.5:
            hours = random.choice(["*", "*", "1-3", "2", "3"])
            text = f"{random.choice([0, 7, 30])}-59/{random.choice([5, 20])} {hours} * * *"
            return parse(text), (oracle.Cron5(text=text),)
        return self._daily()

    def _daily(self) -> tuple[Recurrence, tuple[oracle.Part, ...]]:
        random = self._random
        # Clocks are set in these hours: a wall time of theirs may be passed twice, or never.
        hours = sorted({*random.sample(range(24), 6), *random.sample((1, 2, 3), 2)})
        at = [time(hour, random.choice([0, 10, 30, 45])) for hour in hours]
        text = " and ".join(f"{each:%H:%M}" for each in at)
        return parse(f"every day at {text}"), (oracle.Daily(times=tuple(at)),)

    def _keys(self) -> dict[str, Any]:
        random = self._random
        keys: dict[str, Any] = {
            "overlap": random.choice(list(Overlap)),
            "catch_up": random.choice(list(CatchUp)),
            "catch_up_window": timedelta(seconds=random.choice([60, 600, 86_400])),
            "priority": random.choice([0, 0, 5]),
            "on_lost": random.choice(list(OnLost)),
        }
        if keys["overlap"] is Overlap.ALLOW:
            keys["max_running"] = random.choice([None, 2, 4])
        if random.random() < 0.4:
            delay, most = random.choice([0, 1, 10, 60, 200]), random.choice([None, 5])
            keys["retry"] = Retry(
                attempts=random.randint(2, 4),
                delay=timedelta(seconds=delay),
                backoff=random.choice([1.0, 2.0]),
                max_delay=None if most is None else timedelta(seconds=max(most, delay)),
            )
        if random.random() < 0.15:
            keys["cooldown"] = Cooldown(
                success=timedelta(seconds=random.choice([0, 2, 30, 200])),
                failure=timedelta(seconds=random.choice([0, 20, 200])),
            )
        return keys | self._rarer_keys()

    def _rarer_keys(self) -> dict[str, Any]:
        random, keys = self._random, dict[str, Any]()
        if random.random() < 0.2:
            keys["jitter"] = timedelta(seconds=random.choice([0.5, 3]))
        if random.random() < 0.2:
            keys["spread"] = timedelta(seconds=random.choice([0.5, 20]))
        if random.random() < 0.1:
            keys["allowed"] = Allowed(first=time(21, 30), last=time(3, 0))
        if random.random() < 0.3:
            keys["pool"] = "small"
        if random.random() < 0.05:
            keys["enabled"] = False
        if random.random() < 0.1:
            keys["disable_after"] = 3
        keys["timezone"] = ZoneName(random.choice(self._zones)) if random.random() < 0.6 else None
        return keys

    def _habit(self) -> Habit:
        random = self._random
        shortest = random.choice([0.001, 0.05, 1, 20])
        return Habit(
            shortest_s=shortest,
            longest_s=shortest * random.choice([1.5, 4, 20]),
            failing=random.choice([0, 0, 0.1, 0.5]),
            timeout_s=random.choice([None, None, shortest * 3]),
        )

    # -- what depends on others ---------------------------------------------------------------

    def _behind(self, recipes: Sequence[Recipe]) -> list[Recipe]:
        if self._random.random() > 0.4:
            return []
        names = tuple(recipe.task.name for recipe in self._random.sample(list(recipes), 2))
        name = TaskName(f"behind{next(self._numbers)}")
        if self._random.random() < 0.5:
            task = Task(name=name, shell="true", after=names)
            return [Recipe(task=task, parts=(oracle.Events(),), habit=self._habit())]
        recurrence, parts = self._recurrence()
        task = Task(name=name, shell="true", after=names, recurrence=recurrence)
        return [Recipe(task=task, parts=parts, habit=self._habit())]

    def _endless(self) -> list[Recipe]:
        if self._random.random() > 0.3:
            return []
        recipe = self._recipe()
        task = evolve(recipe.task, recurrence=parse("continuously"), allowed=None)
        return [evolve(recipe, task=task, parts=(oracle.Continuously(),))]

    def _chain(self) -> list[tuple[Chain, list[Recipe], tuple[oracle.Part, ...]]]:
        random = self._random
        if random.random() > 0.4:
            return []
        members = [evolve(self._recipe(), parts=(oracle.Events(),)) for _ in range(4)]
        members = [
            evolve(each, task=evolve(each.task, recurrence=MANUALLY, enabled=True, allowed=None))
            for each in members
        ]
        a, b, c, d = (each.task.name for each in members)
        recurrence, parts = self._recurrence_of_chain()
        chain = Chain(
            name=TaskName(f"chain{next(self._numbers)}"),
            tasks=((a,), (b, c), (d,)),
            recurrence=recurrence,
            overlap=random.choice(list(Overlap)),
            catch_up=random.choice(list(CatchUp)),
            catch_up_window=timedelta(seconds=600),
            on_failed=random.choice(list(OnFailed)),
        )
        return [(chain, members, parts)]

    def _recurrence_of_chain(self) -> tuple[Recurrence, tuple[oracle.Part, ...]]:
        kind = self._random.random()
        if kind < 0.3:
            return parse("continuously"), (oracle.Continuously(),)
        if kind < 0.7:
            # Often enough that the next one is due while it goes on.
            period = self._random.choice([5, 15, 30, 60])
            return parse(f"every {period} seconds"), (oracle.Every(seconds=period),)
        return self._recurrence()


def _is_needed(recipe: Recipe, setting: Setting) -> bool:
    named = {name for each in setting.recipes for name in each.task.after}
    named |= {name for chain, _ in setting.chains for step in chain.tasks for name in step}
    return recipe.task.name in named


def _setting(
    recipes: Sequence[Recipe],
    chains: Sequence[tuple[Chain, list[Recipe], tuple[oracle.Part, ...]]],
    pools: dict[str, Pool],
    max_running: int,
) -> Setting:
    members = [member for _, each, _ in chains for member in each]
    pairs = [(chain, parts) for chain, _, parts in chains]
    return _joined([*recipes, *members], pairs, pools, max_running)


def _joined(
    recipes: Sequence[Recipe],
    chains: Sequence[tuple[Chain, tuple[oracle.Part, ...]]],
    pools: dict[str, Pool],
    max_running: int,
) -> Setting:
    config = Config(
        path=Path("/etc/linod.toml"),
        zone=ZoneName("UTC"),
        linod=Linod(max_running=max_running),
        pools=pools,
        tasks={recipe.task.name: recipe.task for recipe in recipes},
        chains={chain.name: chain for chain, _ in chains},
    )
    return Setting(
        config=config,
        recipes=tuple(_placed(recipe, config) for recipe in recipes),
        chains=tuple(chains),
    )


def _placed(recipe: Recipe, config: Config) -> Recipe:
    """Let the oracle read wall times, and anchor lattices, in the task's zone."""
    zone = config.zone_of(recipe.task)
    parts = [evolve(part, zone=zone) if hasattr(part, "zone") else part for part in recipe.parts]
    return evolve(recipe, parts=tuple(parts))
