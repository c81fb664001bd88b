"""Functions over dates and times, which are ISO 8601 texts in UTC unless they say otherwise."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from graphs.errors import ExpressionError
from graphs.language.functions.registry import a_number, a_text, named
from graphs.language.values import NUMBERS, Budget

_DIRECTIVES = re.compile(r"%[aAbBdHIjmMpSyYfzZ%]")
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}


@named("now")
def _now(budget: Budget) -> str:
    """The present moment in UTC, such as 2026-11-20T09:30:00Z."""
    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


@named("today")
def _today(budget: Budget) -> str:
    """The present day in UTC, such as 2026-11-20."""
    return datetime.now(UTC).date().isoformat()


def _moment(value: Any, where: str) -> datetime:
    try:
        if type(value) in NUMBERS:
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(a_text(value, where)[:40])
    except (ValueError, OverflowError, OSError):
        raise ExpressionError(f"{where}() cannot read {value!r} as a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@named("format_date")
def _format_date(budget: Budget, value: Any, pattern: Any = "%Y-%m-%d") -> str:
    """A date as text; `pattern` is made of %Y %m %d %H %M %S %A %B and the like."""
    layout = a_text(pattern, "format_date")
    if "%" in _DIRECTIVES.sub("", layout) or len(layout) > 200:
        raise ExpressionError(f"format_date() cannot use the pattern {layout[:40]!r}")
    return _moment(value, "format_date").strftime(layout)


@named("date_add")
def _date_add(budget: Budget, value: Any, amount: Any, unit: Any = "days") -> str:
    """A date moved by an amount of seconds, minutes, hours, days or weeks."""
    seconds = a_number(amount, "date_add") * _unit(unit)
    plain = isinstance(value, str) and len(value) == 10 and not seconds % 86400
    try:
        moment = _moment(value, "date_add") + timedelta(seconds=seconds)
    except OverflowError:
        raise ExpressionError("date_add() goes beyond the calendar") from None
    made: date = moment.date() if plain else moment
    return made.isoformat().replace("+00:00", "Z")


@named("date_diff")
def _date_diff(budget: Budget, later: Any, earlier: Any, unit: Any = "days") -> float:
    """The time from `earlier` to `later` in seconds, minutes, hours, days or weeks."""
    span = _moment(later, "date_diff") - _moment(earlier, "date_diff")
    return span.total_seconds() / _unit(unit)


def _unit(name: Any) -> int:
    if not isinstance(name, str) or name not in _UNITS:
        raise ExpressionError(f"there is no unit {name!r}; there are: {', '.join(_UNITS)}")
    return _UNITS[name]
