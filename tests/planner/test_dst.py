"""What happens in March and October, in zones that do it differently."""

from __future__ import annotations

from linod.specs import Dst, Fold, Gap

from .building import local, planner, times, utc

TALLINN = "Europe/Tallinn"
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
APIA = "Pacific/Apia"


def test_a_time_in_the_gap_runs_at_the_end_of_the_gap() -> None:
    assert times(planner("every day at 03:30", TALLINN), "2027-03-27 12:00", 2, TALLINN) == [
        "2027-03-28 04:00:00+03:00",
        "2027-03-29 03:30:00+03:00",
    ]


def test_times_that_become_equal_in_the_gap_run_once() -> None:
    rule = planner("every day at 03:10, 03:30 and 04:00", TALLINN)

    assert times(rule, "2027-03-27 12:00", 2, TALLINN) == [
        "2027-03-28 04:00:00+03:00",
        "2027-03-29 03:10:00+03:00",
    ]


def test_a_time_in_the_gap_is_left_out_on_request() -> None:
    rule = planner("every day at 03:30", TALLINN, dst=Dst(gap=Gap.SKIP))

    assert times(rule, "2027-03-27 12:00", 1, TALLINN) == ["2027-03-29 03:30:00+03:00"]


def test_a_time_in_the_fold_runs_at_its_first_pass() -> None:
    assert times(planner("every day at 03:30", TALLINN), "2027-10-30 12:00", 2, TALLINN) == [
        "2027-10-31 03:30:00+03:00",
        "2027-11-01 03:30:00+02:00",
    ]


def test_a_time_in_the_fold_runs_at_its_second_pass_on_request() -> None:
    rule = planner("every day at 03:30", TALLINN, dst=Dst(fold=Fold.SECOND))

    assert times(rule, "2027-10-30 12:00", 2, TALLINN) == [
        "2027-10-31 03:30:00+02:00",
        "2027-11-01 03:30:00+02:00",
    ]


def test_a_time_in_the_fold_runs_twice_on_request() -> None:
    rule = planner("every day at 03:30", TALLINN, dst=Dst(fold=Fold.BOTH))

    assert times(rule, "2027-10-30 12:00", 3, TALLINN) == [
        "2027-10-31 03:30:00+03:00",
        "2027-10-31 03:30:00+02:00",
        "2027-11-01 03:30:00+02:00",
    ]


def test_dst_does_not_change_what_is_filtered() -> None:
    rule = planner("30 * * * *", TALLINN, dst=Dst(gap=Gap.SKIP, fold=Fold.FIRST))

    assert times(rule, "2027-10-31 02:45", 3, TALLINN) == [
        "2027-10-31 03:30:00+03:00",
        "2027-10-31 03:30:00+02:00",
        "2027-10-31 04:30:00+02:00",
    ]


def test_a_filtered_rule_has_nothing_in_the_gap() -> None:
    assert times(planner("*/30 * * * *", TALLINN), "2027-03-28 02:00", 3, TALLINN) == [
        "2027-03-28 02:30:00+02:00",
        "2027-03-28 04:00:00+03:00",
        "2027-03-28 04:30:00+03:00",
    ]


def test_an_elapsed_rule_goes_on_through_gap_and_fold() -> None:
    rule = planner("every 2 hours", TALLINN)

    assert times(rule, "2027-03-28 01:00", 3, TALLINN) == [
        "2027-03-28 02:00:00+02:00",
        "2027-03-28 05:00:00+03:00",
        "2027-03-28 07:00:00+03:00",
    ]
    assert times(rule, "2027-10-31 02:30", 2, TALLINN) == [
        "2027-10-31 03:00:00+03:00",
        "2027-10-31 04:00:00+02:00",
    ]


def test_new_york_has_its_gap_at_two_in_the_morning() -> None:
    assert times(planner("30 2 * * *", NEW_YORK), "2027-03-13 12:00", 2, NEW_YORK) == [
        "2027-03-14 03:00:00-04:00",
        "2027-03-15 02:30:00-04:00",
    ]


def test_new_york_has_its_fold_at_one_in_the_morning() -> None:
    assert times(planner("30 1 * * *", NEW_YORK), "2027-11-06 12:00", 2, NEW_YORK) == [
        "2027-11-07 01:30:00-04:00",
        "2027-11-08 01:30:00-05:00",
    ]


def test_lord_howe_moves_its_clock_by_half_an_hour() -> None:
    rule = planner("every day at 02:15", LORD_HOWE)

    assert times(rule, "2027-10-02 12:00", 2, LORD_HOWE) == [
        "2027-10-03 02:30:00+11:00",
        "2027-10-04 02:15:00+11:00",
    ]
    assert times(planner("45 * * * *", LORD_HOWE), "2027-04-04 01:00", 3, LORD_HOWE) == [
        "2027-04-04 01:45:00+11:00",
        "2027-04-04 01:45:00+10:30",
        "2027-04-04 02:45:00+10:30",
    ]


def test_the_day_that_apia_skipped_collapses_into_its_end() -> None:
    rule = planner("every day at 09:00 and 17:00", APIA)

    assert times(rule, "2011-12-29 12:00", 3, APIA) == [
        "2011-12-29 17:00:00-10:00",
        "2011-12-31 00:00:00+14:00",
        "2011-12-31 09:00:00+14:00",
    ]


def test_negative_dst_is_a_change_of_offset_like_any_other() -> None:
    rule = planner("every day at 01:30", "Europe/Dublin")

    assert times(rule, "2027-03-27 12:00", 1, "Europe/Dublin") == ["2027-03-28 02:00:00+01:00"]
    assert times(rule, "2027-10-30 12:00", 1, "Europe/Dublin") == ["2027-10-31 01:30:00+01:00"]


def test_ramadan_in_casablanca_has_a_fold_and_a_gap() -> None:
    rule = planner("every day at 02:30", "Africa/Casablanca")

    assert times(rule, "2026-02-14 12:00", 1, "Africa/Casablanca") == ["2026-02-15 02:30:00+01:00"]
    assert times(rule, "2026-03-21 12:00", 1, "Africa/Casablanca") == ["2026-03-22 03:00:00+01:00"]


def test_an_offset_with_seconds_keeps_the_wall_time() -> None:
    assert planner("0 12 * * *", "Africa/Monrovia").next(utc("1971-06-01T00:00")) == utc(
        "1971-06-01T12:44:30"
    )


def test_the_gap_of_45_minutes_in_monrovia_ends_on_the_minute() -> None:
    rule = planner("15 0 * * *", "Africa/Monrovia")

    assert rule.next(utc("1972-01-06T12:00")) == utc("1972-01-07T00:44:30")


def test_previous_finds_the_second_pass_first() -> None:
    rule = planner("30 * * * *", TALLINN)

    assert rule.previous(utc("2027-10-31T02:00")) == utc("2027-10-31T01:30")
    assert rule.previous(utc("2027-10-31T01:30")) == utc("2027-10-31T00:30")


def test_a_clock_that_goes_back_over_midnight_repeats_the_evening() -> None:
    """In Sao Paulo 2018-02-17 ended twice."""
    zone = "America/Sao_Paulo"

    assert times(planner("30 23 * * *", zone), "2018-02-17 12:00", 2, zone) == [
        "2018-02-17 23:30:00-02:00",
        "2018-02-18 23:30:00-03:00",
    ]
    assert times(planner("*/30 23 * * *", zone), "2018-02-17 12:00", 4, zone) == [
        "2018-02-17 23:00:00-02:00",
        "2018-02-17 23:30:00-02:00",
        "2018-02-17 23:00:00-03:00",
        "2018-02-17 23:30:00-03:00",
    ]


def test_a_gap_at_midnight_moves_the_midnight_task() -> None:
    zone = "America/Sao_Paulo"

    assert times(planner("@daily", zone), "2018-11-03 12:00", 2, zone) == [
        "2018-11-04 01:00:00-02:00",
        "2018-11-05 00:00:00-02:00",
    ]


def test_counts_know_the_day_of_23_and_of_25_hours() -> None:
    rule = planner("*/10 * * * *", TALLINN)
    march, october = local("2027-03-28", TALLINN), local("2027-10-31", TALLINN)

    assert rule.count(march, local("2027-03-29", TALLINN)) == 23 * 6
    assert rule.count(october, local("2027-11-01", TALLINN)) == 25 * 6
