"""The small marks of every page."""

from __future__ import annotations

from config.templatetags.tenure import about_money, sparkline


def test_a_sparkline_marks_its_last_point() -> None:
    drawn = sparkline([0, 2, 1], top=2)
    assert 'points="0.0,18.0 40.0,2.0 80.0,10.0"' in drawn
    assert '<circle cx="80.0" cy="10.0"' in drawn


def test_a_sum_is_told_to_whole_units() -> None:
    assert (about_money(517_533, "USD"), about_money(None), about_money(-149, "CHF")) == (
        "$5,175",
        "–",
        "-1 CHF",
    )
