"""How times, durations, numbers and money are written."""

from datetime import UTC, datetime, timedelta

import pytest

from ui.formats import ago, ago_text, amount, at, duration, money

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=3, seconds=59), "3 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=29), "29 d ago"),
        (timedelta(days=90), "3 mo ago"),
        (timedelta(days=800), "Sep 2024"),
    ],
)
def test_ago(before: timedelta, text: str) -> None:
    assert ago_text(NOW - before, NOW) == text


def test_times_carry_the_moment_for_the_browser() -> None:
    assert ago(NOW, NOW) == '<time datetime="2026-11-20T12:00:00+00:00" data-ago>just now</time>'
    assert "2026-11-20 12:00 UTC" in at(NOW)
    assert ago(None) == at(None) == ""


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (1234, "1.2 s"),
        (125_000, "2 min 5 s"),
        (11_400_000, "3 h 10 min"),
    ],
)
def test_duration(ms: int | None, text: str) -> None:
    assert duration(ms) == text


def test_amounts_and_money() -> None:
    assert amount(1, "node") == "1 node"
    assert amount(1204, "node") == "1,204 nodes"
    assert money("0.00041") == "$0.0004"
    assert money("12.5") == "$12.50"
    assert money(None) == ""
