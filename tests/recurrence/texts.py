"""Generated recurrences: texts and values of every notation, for the round trips."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from linod.recurrence.common import normal
from linod.recurrence.model import Basis, Frequency, Rule, Weekday, Window

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONTHS = ["january", "february", "march", "april", "june", "july", "october", "december"]
ORDINALS = ["first", "second", "third", "fourth", "last", "second last", "fourth last"]


def joined(item: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    """Write a list as phrases do."""
    items = st.lists(item, min_size=1, max_size=most)
    return items.map(
        lambda words: " and ".join([", ".join(words[:-1]), words[-1]][not words[1:] :])
    )


def sentence(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    """Write parts one after another; some may be empty."""
    strategies = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*strategies).map(lambda words: " ".join(word for word in words if word))


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Write the part or nothing."""
    return st.just("") | part


CLOCK = st.builds(
    "{:02}:{:02}{}".format,
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["", "", ":00", ":15"]),
) | st.sampled_from(["noon", "midnight", "9:00"])
TIMES = maybe(sentence("at", joined(CLOCK, 8)))
UNITS = st.sampled_from(["second", "minute", "hour"])
STEPS = UNITS.map("every {}".format) | st.builds("every {} {}s".format, st.integers(2, 400), UNITS)
BETWEEN = st.builds("between {} and {}".format, CLOCK, CLOCK)
ON_DAYS = sentence("on", joined(st.sampled_from([*DAYS, "weekdays", "weekends"])))
MINUTES = joined(st.integers(0, 59).map(str), 6).map("at minute {}".format)
MONTH_DAY = st.integers(1, 31).map(str) | st.integers(-31, -1).map(str)
QUARTER_DAY = st.integers(1, 30).map(str) | st.integers(-30, -1).map(str)
COUNTED = st.builds(
    "the {} {}".format,
    joined(st.sampled_from(ORDINALS), 2),
    st.sampled_from([*DAYS, "weekday", "day"]),
)
DATE = st.builds("{} {}".format, st.sampled_from(MONTHS), MONTH_DAY) | st.builds(
    "{} of {}".format, COUNTED, st.sampled_from(MONTHS)
)


def every(unit: str, most: int) -> st.SearchStrategy[str]:
    """Write `every day` or `every 3 days`."""
    return st.just(f"every {unit}") | st.integers(2, most).map(f"every {{}} {unit}s".format)


PHRASES = st.one_of(
    sentence(STEPS, maybe(BETWEEN), maybe(ON_DAYS)),
    sentence(every("hour", 30), MINUTES, maybe(BETWEEN), maybe(ON_DAYS)),
    sentence(every("day", 400), TIMES),
    sentence("every", joined(st.sampled_from([*DAYS, "weekday", "weekend"])), TIMES),
    sentence(every("week", 60), maybe(ON_DAYS), TIMES),
    sentence(
        every("month", 24),
        maybe(joined(MONTH_DAY.map("day {}".format) | COUNTED).map("on {}".format)),
        TIMES,
    ),
    sentence(
        "every quarter",
        maybe(joined(QUARTER_DAY.map("day {}".format) | COUNTED).map("on {}".format)),
        TIMES,
    ),
    sentence(every("year", 9), maybe(sentence("on", joined(DATE))), TIMES),
    sentence("every easter", maybe(joined(st.integers(2, 90).map("{:+} days".format))), TIMES),
    st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30)).map(  # noqa: DTZ001
        lambda at: f"once at {at.replace(microsecond=0)}"
    ),
    st.sampled_from(["at start", "at boot", "manually", "continuously"]),
)


def cron_field(first: int, last: int, extra: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Write a field of a cron expression."""
    number = st.integers(first, last)
    bounds = st.tuples(number, number).map(sorted).map(lambda pair: f"{pair[0]}-{pair[1]}")
    base = st.just("*") | number.map(str) | bounds
    term = base | st.builds("{}/{}".format, base, st.integers(1, last + 3))
    if extra:
        term |= st.sampled_from(extra)
    return st.just("*") | st.lists(term, min_size=1, max_size=3).map(",".join)


FIVE = (
    cron_field(0, 59),
    cron_field(0, 23),
    cron_field(1, 31, ("L", "LW")),
    cron_field(1, 12),
    cron_field(0, 7, ("5L", "1#2", "7#5", "0L")),
)
CRONS = st.tuples(*FIVE).map(" ".join) | st.tuples(cron_field(0, 59), *FIVE).map(" ".join)


def numbers(*ranges: tuple[int, int], most: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    """Give sorted numbers without doubles, maybe none."""
    number = st.one_of(*(st.integers(first, last) for first, last in ranges))
    return st.lists(number, max_size=most).map(lambda found: tuple(sorted(set(found))))


WEEKDAYS = st.lists(st.integers(0, 6).map(lambda day: Weekday(0, day)), max_size=7)
COUNTED_WEEKDAYS = st.lists(
    st.builds(Weekday, st.sampled_from([0, 0, 1, 2, 5, -1, -2]), st.integers(0, 6)), max_size=4
)
UNTIL = st.one_of(
    st.dates(date(1971, 1, 1), date(2999, 1, 1)),
    st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)).map(  # noqa: DTZ001
        lambda at: at.replace(microsecond=0)
    ),
    st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001
        datetime(2999, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ).map(lambda at: at.replace(microsecond=0)),
)


@st.composite
def rules(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Rule:
    """Make a rule as the RRULE notation with linod's parts can say it."""
    frequency = draw(st.sampled_from(Frequency))
    is_counted = frequency in (Frequency.MONTHLY, Frequency.YEARLY)
    is_sub_daily = frequency > Frequency.DAILY
    weekdays = draw(COUNTED_WEEKDAYS if is_counted else WEEKDAYS)
    parts: dict[str, Any] = {
        "interval": draw(st.sampled_from([1, 1, 2, 12])),
        "months": draw(numbers((1, 12), most=12)),
        "month_days": () if frequency is Frequency.WEEKLY else draw(numbers((1, 31), (-31, -1))),
        "weekdays": tuple(sorted(set(weekdays))),
        **draw(st.sampled_from([{}, {}, {"count": 3}, {"until": draw(UNTIL)}])),
    }
    if draw(st.booleans()) and not is_sub_daily:
        parts["times"] = draw(numbers((0, 86399), most=8))
    else:
        parts["hours"] = draw(numbers((0, 23), most=4))
        parts["minutes"] = draw(numbers((0, 59), most=4))
        parts["seconds"] = draw(numbers((0, 59), most=2) | st.just((0,)))
    if frequency is Frequency.YEARLY or is_sub_daily:
        parts["year_days"] = draw(st.just(()) | numbers((1, 366), (-366, -1)))
    if draw(st.booleans()) and any(parts[name] for name in ("months", "weekdays", "month_days")):
        parts["positions"] = draw(numbers((1, 366), (-366, -1)))
    if is_sub_daily:
        parts["window"] = Window(draw(st.integers(0, 86399)), draw(st.integers(0, 86399)))
    parts["week_start"] = draw(st.sampled_from([0, 0, 6]))
    basis = Basis.FILTERED if is_sub_daily else Basis.WALL
    return normal(Rule(frequency=frequency, basis=basis, **parts))
