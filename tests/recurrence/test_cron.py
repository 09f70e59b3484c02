"""Cron: fields to values, the basis, and what each error says."""

from __future__ import annotations

import pytest

from linod.recurrence import RecurrenceError, notation, parse
from linod.recurrence.model import Basis, Event, Frequency, Recurrence, Rule, Weekday


def rule(text: str) -> Rule:
    (part,) = parse(text).parts
    assert isinstance(part, Rule)
    return part


def refusal(text: str) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("cron", "phrase"),
    [
        ("0 4 * * *", "every day at 04:00"),
        ("0,30 9,17 * * *", "every day at 09:00, 09:30, 17:00 and 17:30"),
        ("0 4 * * 1-5", "every weekday at 04:00"),
        ("0 4 * * mon-FRI", "every weekday at 04:00"),
        ("0 4 * * 6-7", "every weekend at 04:00"),
        ("0 4 * * SAT-SUN", "every weekend at 04:00"),
        ("0 4 * * 0-7", "every day at 04:00"),
        ("0 4 ? * ?", "every day at 04:00"),
        ("0 4 1 * ?", "every month on day 1 at 04:00"),
        ("0 4 1,L * *", "every month on day 1 and -1 at 04:00"),
        ("0 4 1-31 * MON", "every day at 04:00"),
        ("0 4 */40 * *", "every month on day 1 at 04:00"),
        ("0 4 LW * *", "every month on the last weekday at 04:00"),
        ("0 4 * * 5L", "every month on the last friday at 04:00"),
        ("0 4 * * FRIL", "every month on the last friday at 04:00"),
        ("0 4 * * 7#1,1#3", "every month on the first sunday and the third monday at 04:00"),
        ("0 4 1 */3 *", "every quarter on day 1 at 04:00"),
        ("0 4 L */3 *", "every year on january -1, april -1, july -1 and october -1 at 04:00"),
        ("0 6 1 MAR *", "every year on march 1 at 06:00"),
        ("20 * * * *", "every hour at minute 20"),
        ("*/20 * * * 1-5", "every hour at minute 0, 20 and 40 on weekdays"),
        ("@Daily", "every day at 00:00"),
        ("@weekly", "every sunday at 00:00"),
    ],
)
def test_what_a_phrase_says_too_is_printed_as_the_phrase(cron: str, phrase: str) -> None:
    assert phrase == notation(parse(cron))
    assert parse(phrase) == parse(cron)


@pytest.mark.parametrize(
    ("cron", "printed"),
    [
        ("0 0 13 * 5", "0 0 13 * 5"),
        ("1 1 */100,1-7 * MON", "1 1 */31,1-7 * 1"),
        ("1 1 1-7 * */7", "1 1 */31,1-7 * 0"),
        ("1 1 2-8 * */7", "1 1 2-8 * */7,0"),
        ("0 9-17 * * 1-5", "0 9-17 * * 1-5"),
        ("0-59/5 4 * * *", "0-59/5 4 * * *"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("* * * * *", "* * * * *"),
        ("* 1-6 * * *", "* 1-6 * * *"),
        ("0 */2 * * *", "0 */2 * * *"),
        ("*/30 9 * * *", "*/30 9 * * *"),
        ("0 0 4 * * *", "0 0 4 * * *"),
        ("*/15 * * * * *", "*/15 * * * * *"),
        ("* * * * * *", "* * * * * *"),
        ("0 4 * 3 *", "0 4 * 3 *"),
        ("* * LW 2 *", "* * LW 2 *"),
        ("5/20 * * * *", "every hour at minute 5, 25 and 45"),
    ],
)
def test_the_rest_is_printed_as_cron_and_parses_back(cron: str, printed: str) -> None:
    assert printed == notation(parse(cron))
    assert parse(printed) == parse(cron)


@pytest.mark.parametrize(
    ("cron", "basis"),
    [
        ("0 4 * * *", Basis.WALL),
        ("0-59 0-23 * * *", Basis.WALL),
        ("* 4 * * *", Basis.FILTERED),
        ("0 * * * *", Basis.FILTERED),
        ("0 */2 * * *", Basis.FILTERED),
        ("0 0 4 * * *", Basis.FILTERED),
    ],
)
def test_the_basis_is_wall_where_minute_and_hour_have_no_star(cron: str, basis: Basis) -> None:
    assert basis is rule(cron).basis


def test_two_restricted_day_fields_mean_or() -> None:
    part = rule("0 0 13 * 5")

    assert part.is_either_day
    assert ((13,), (Weekday(0, 4),)) == (part.month_days, part.weekdays)


def test_a_day_field_that_begins_with_a_star_means_and() -> None:
    part = rule("0 0 1-7 * */7")

    assert not part.is_either_day
    assert ((1, 2, 3, 4, 5, 6, 7), (Weekday(0, 6),)) == (part.month_days, part.weekdays)


def test_the_frequency_of_filtered_rules_is_the_coarsest_that_holds_the_fields() -> None:
    texts = ["0 0 4 * * *", "* 9 * * *", "* 9 * * * *", "*/5 * * * *"]

    assert [rule(text).frequency for text in texts] == [
        Frequency.HOURLY,
        Frequency.MINUTELY,
        Frequency.SECONDLY,
        Frequency.HOURLY,
    ]


def test_reboot_is_at_boot() -> None:
    assert Recurrence((Event.AT_BOOT,)) == parse("@reboot")


def test_a_day_that_never_comes_is_left_to_the_planner() -> None:
    assert rule("0 0 30 2 *").month_days == (30,)


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("60 * * * *", "minute 60 is not in 0-59"),
        ("* 24 * * *", "hour 24 is not in 0-23"),
        ("0 0 32 * *", "day of month 32 is not in 1-31"),
        ("0 0 0 * *", "day of month 0 is not in 1-31"),
        ("0 0 * 13 *", "month 13 is not in 1-12"),
        ("0 0 * * 8", "day of week 8 is not in 0-7"),
        ("60 0 0 * * *", "second 60 is not in 0-59"),
        (f"{'9' * 5000} 0 * * *", "minute that big is not in 0-59"),
        ("*/0 * * * *", 'minute: "/0" is no step'),
        ("*/-1 * * * *", 'minute: "/-1" is no step'),
        ("5-1 * * * *", 'minute: "5-1" goes backwards'),
        ("0 0 * mon *", '"mon" is no month'),
        ("0 0 * * L", "the day of week has an empty place"),
        ("0 0 * * 1#6", 'day of week: "#6" is not in #1 to #5'),
        ("0 0 15W * *", '"15w" is no day of month'),
        ("1,,2 * * * *", "the minute has an empty place"),
        ("? * * * *", '"?" is no minute'),
        ("* * * *", '"* * * *" has 4 fields, a cron expression has five or six'),
        ("0 0 0 * * ? 2026", '"0 0 0 * * ? 2026" has 7 fields, a cron expression has five or six'),
        ("@fortnightly", 'unknown cron name "@fortnightly"'),
        ("0 4 * * * /bin/true", 'a command follows the cron expression: "/bin/true"'),
    ],
)
def test_an_error_names_the_field_its_value_and_its_range(cron: str, message: str) -> None:
    error = refusal(cron)

    assert error.code == "L015"
    assert message == error.message


def test_a_backward_range_says_what_to_write() -> None:
    assert refusal("0 22-2 * * *").help == "write 22-23,0-2"


def test_a_long_list_is_read() -> None:
    assert (Weekday(0, 0),) == rule("0 4 * * " + ",".join(["1"] * 5000)).weekdays
