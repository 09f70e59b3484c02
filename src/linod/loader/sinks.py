"""`[log] to`: a name, or a table of one name and its format; and what beside it has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cattrs import BaseValidationError
from cattrs.errors import IterableValidationError, IterableValidationNote

from linod.loader import hooks
from linod.loader.refusal import Refused, quoted
from linod.specs import Config, Log, LogFormat, LogSink, SinkName

if TYPE_CHECKING:
    from linod.loader.loaded import Kept

_name = hooks.enum_of(SinkName)
_format = hooks.enum_of(LogFormat)
_OF_THE_FILE = ("directory", "rotation", "retention", "compression")


def sinks(value: Any, kind: Any = None) -> tuple[LogSink, ...]:
    """Take the list; each item that is refused is told with its index."""
    if not isinstance(value, list):
        label = f"did you mean [{quoted(value)}]?" if isinstance(value, str) else ""
        raise hooks.wrong_kind("a list of sinks", value, label=label)
    if not value:
        raise Refused(
            "L052", "the log goes nowhere", help='[log] level = "CRITICAL" keeps it small'
        )
    taken: list[LogSink] = []
    refused: list[Exception] = []
    for index, item in enumerate(value):
        try:
            taken.append(_new(_sink(item), taken))
        except (Refused, BaseValidationError) as error:
            error.__notes__ = [IterableValidationNote(f"at {index}", index, kind)]
            refused.append(error)
    if refused:
        raise IterableValidationError("items are refused", refused, kind)
    return tuple(taken)


def _sink(value: Any) -> LogSink:
    if isinstance(value, str):
        return LogSink(SinkName(_name(value)))
    if not isinstance(value, dict) or len(value) != 1:
        raise hooks.wrong_kind('a name like "stdout", or { stdout = "json" }', value)
    ((word, form),) = value.items()
    name = SinkName(_name(word))
    if name is SinkName.JOURNALD:
        advice = 'write "journald": the journal has fields, and no format'
        raise Refused("L052", "journald takes no format", help=advice)
    return LogSink(name, LogFormat(_format(form)))


def _new(sink: LogSink, taken: list[LogSink]) -> LogSink:
    if any(sink.name is other.name for other in taken):
        raise Refused("L052", f'"{sink.name}" is in the list already: each record would come twice')
    return sink


def check_sinks(config: Config, kept: Kept) -> None:
    """Say which keys of [log] do nothing beside its `to`."""
    if config.log is None:
        return
    source = kept.sources[0]
    table = source.data.get("log")
    given = table if isinstance(table, dict) else {}
    for key, why in _idle(config.log):
        if key in given and given[key] != "none":
            message = f"log.{key} has no effect: {why}"
            kept.findings.add(source, ("log", key), "L094", message, is_key=True)


def _idle(log: Log) -> Iterator[tuple[str, str]]:
    if all(sink.name is not SinkName.FILE for sink in log.to):
        for key in _OF_THE_FILE:
            yield key, 'there is no "file" in to'
    if all(sink.format is not None or sink.name is SinkName.JOURNALD for sink in log.to):
        yield "format", "no sink in to needs it"
