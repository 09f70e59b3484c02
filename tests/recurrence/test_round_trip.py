"""`parse(notation(value)) == value`, for all that any notation can say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linod.recurrence import in_words, notation, parse
from linod.recurrence.common import normal
from linod.recurrence.model import MANUALLY, Interval, Recurrence, RecurrenceError, Rule

from .texts import CRONS, PHRASES, UNTIL, rules


@given(PHRASES)
def test_phrases(text: str) -> None:
    recurrence = parse(text)

    assert recurrence == parse(notation(recurrence))
    assert "\n" not in in_words(recurrence)


@given(PHRASES)
def test_the_values_of_phrases_are_in_their_normal_form(text: str) -> None:
    parts = [part for part in parse(text).parts if isinstance(part, Rule)]

    assert parts == [normal(part) for part in parts]


@given(CRONS)
def test_cron(text: str) -> None:
    recurrence = parse(text)

    assert recurrence == parse(notation(recurrence))


@given(CRONS)
def test_a_phrase_that_cron_is_printed_as_means_the_same(text: str) -> None:
    printed = notation(parse(text))

    assert isinstance(printed, str)
    assert parse(text) == parse(printed)


@given(rules())
def test_rules(rule: Rule) -> None:
    recurrence = Recurrence((rule,))

    assert recurrence == parse(notation(recurrence))


@given(st.integers(1, 10**9), st.none() | st.integers(1, 99), st.none() | UNTIL)
def test_intervals(seconds: int, count: int | None, until: object) -> None:
    interval = Interval(seconds=seconds, count=count, until=None if count else until)  # type: ignore[arg-type]

    assert Recurrence((interval,)) == parse(notation(Recurrence((interval,))))


@given(st.lists(PHRASES | CRONS, min_size=1, max_size=4))
def test_unions(texts: list[str]) -> None:
    recurrence = parse(texts)

    assert recurrence == parse(notation(recurrence))


@given(st.text(max_size=60) | st.text("everydatmonuhsi 0123456789:,-*/#L=;", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        recurrence = parse(text)
    except RecurrenceError as error:
        recurrence, said = MANUALLY, f"{error.message} {error.help}"
    else:
        said = in_words(recurrence)

    assert recurrence == parse(notation(recurrence))
    assert said.isprintable()
