"""What tasks and chains say of each other by name: after, the tasks of a chain, formerly.

They share one namespace. Checked once for the names of the files, and again when the discovered
tasks are known.
"""

from __future__ import annotations

from attrs import define, field

from linod.loader.graph import cycles
from linod.loader.loaded import Entry
from linod.loader.naming import is_name, why_no_name
from linod.loader.places import Path
from linod.loader.telling import Owner, Telling
from linod.recurrence.model import MANUALLY
from linod.specs import Chain, Config, Task

_NOT_IN_CHAIN = (
    ("recurrence", "has a recurrence of its own: in a chain the chain has it"),
    ("after", "has after of its own: in a chain its place says what comes first"),
)
"""What a task of a chain leaves to it."""


@define
class Order:
    """The names of one configuration."""

    telling: Telling
    chain_of: dict[str, tuple[str, Path]] = field(factory=dict)
    """The chain of each member, and where it says so."""

    @property
    def config(self) -> Config:
        """Give the configuration under check."""
        return self.telling.config

    def check(self) -> None:
        """Check all of them; findings are told."""
        for name, task in {**self.telling.kept.flawed, **self.config.tasks}.items():
            if task.after and (owner := self._owner(name)) is not None:
                self._after(task, owner)
        for name, chain in self.config.chains.items():
            self._members(chain, self.telling.kept.entries["chains", name])
        self._formerly()
        self._cycles()

    def _owner(self, name: str) -> Owner | None:
        kept = self.telling.kept
        found = kept.entries.get(("tasks", name)) or kept.entries.get(("chains", name))
        return found or kept.declared.get(name)

    # -- after --------------------------------------------------------------------------------

    def _after(self, task: Task, entry: Owner) -> None:
        for index, name in enumerate(task.after):
            where = ("after", index)
            if self.telling.is_known_task(name, entry, where) and name == task.name:
                self.telling.add(entry, where, "L064", f'"{name}" waits for itself')

    def _cycles(self) -> None:
        """Refuse tasks that wait for each other, also by way of a chain and its tasks."""
        waits = {name: task.after for name, task in self.config.tasks.items() if task.after}
        for name, chain in self.config.chains.items():
            members = (member for step in chain.tasks for member in step)
            waits[name] = tuple(member for member in members if member in self.config.tasks)
        for cycle in cycles(waits):
            if len(cycle) > 1:
                shown = cycle if len(cycle) <= 8 else (*cycle[:4], "…", *cycle[-3:])
                message = "tasks wait for each other: " + " → ".join((*shown, cycle[0]))
                self._tell_cycle(cycle, message)

    def _tell_cycle(self, cycle: tuple[str, ...], message: str) -> None:
        """Show the first `after` of the cycle that stands in a file."""
        for name, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            entry = self.telling.kept.entries.get(("tasks", name))
            if entry is not None and "after" in entry.table:
                index = self.config.tasks[name].after.index(following)
                self.telling.add(entry, ("after", index), "L064", message)
                return
        first = next(iter(self.telling.kept.sources))
        self.telling.kept.findings.add(first, (), "L064", message)

    # -- chains -------------------------------------------------------------------------------

    def _members(self, chain: Chain, entry: Entry) -> None:
        if not any(chain.tasks):
            self.telling.add(entry, ("tasks",), "L074", "a chain without tasks")
        written = entry.table.get("tasks", [])
        for index, step in enumerate(chain.tasks):
            is_list = isinstance(written[index], list)
            for inner, member in enumerate(step):
                where = ("tasks", index, inner) if is_list else ("tasks", index)
                self._member(member, chain.name, entry, where)

    def _member(self, member: str, chain: str, entry: Entry, where: Path) -> None:
        if ("chains", member) in self.telling.kept.entries:
            self.telling.add(entry, where, "L074", f'"{member}" is a chain, not a task')
            return
        if not self.telling.is_known_task(member, entry, where):
            return
        other, there = self.chain_of.setdefault(member, (chain, where))
        if other != chain:
            message = f'"{member}" is in the chain "{other}" already: a task is in one chain only'
            self.telling.add(entry, where, "L074", message)
        elif there != where:
            self.telling.add(entry, where, "L074", f'"{member}" is in the chain twice')
        else:
            self._own_keys(member, entry, where)

    def _own_keys(self, member: str, entry: Entry, where: Path) -> None:
        task = self.config.tasks.get(member) or self.telling.kept.flawed.get(member)
        own = self.telling.kept.entries.get(("tasks", member))
        for key, what in _NOT_IN_CHAIN:
            if task is None or getattr(task, key) in ((), MANUALLY):
                continue
            is_own = own is None or key in own.table
            advice = None if is_own else f'write {key} = "none" there: it is from [defaults]'
            self.telling.add(entry, where, "L074", f'"{member}" {what}', help=advice)

    # -- formerly -----------------------------------------------------------------------------

    def _formerly(self) -> None:
        """Refuse old names that are not old, or are claimed by two."""
        claims: dict[str, str] = {}
        specs: list[Task | Chain] = [*self.config.tasks.values(), *self.config.chains.values()]
        for spec in specs:
            for index, name in enumerate(spec.formerly):
                wrong = self._wrong_old_name(name, spec.name, claims.setdefault(name, spec.name))
                is_twice = name in spec.formerly[:index]
                wrong = wrong or ("it stands twice" if is_twice else None)
                owner = self._owner(spec.name)
                if wrong is not None and owner is not None:
                    message = f'formerly "{name[:100]}": {wrong}'
                    self.telling.add(owner, ("formerly", index), "L075", message)

    def _wrong_old_name(self, old: str, name: str, claimant: str) -> str | None:
        if not is_name(old):
            return why_no_name(old)
        if old == name:
            return "it has this name now"
        if old in self.config.tasks or old in self.config.chains or self._owner(old) is not None:
            return "a task or chain has this name now"
        return None if claimant == name else f'"{claimant}" claims this name already'
