"""Functions over dates and times, which are ISO 8601 texts in UTC unless they say otherwise."""

import calendar
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from graphs.errors import ExpressionError
from graphs.language.functions.registry import a_number, a_text, named
from graphs.language.values import NUMBERS, Budget

_DIRECTIVES = re.compile(r"%[aAbBdHIjmMpSyYfzZ%]")
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_DAYS = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "quarters": 3, "years": 12}
_UNITS = (*_SECONDS, *_DAYS, *_MONTHS)
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


@named("now")
def _now(budget: Budget, zone: Any = "UTC") -> str:
    """The present moment, such as 2026-11-20T09:30:00Z; `zone` is one like Europe/Oslo."""
    return _written(datetime.now(_zone(zone, "now")).replace(microsecond=0))


@named("today")
def _today(budget: Budget, zone: Any = "UTC") -> str:
    """The present day in a time zone, such as 2026-11-20."""
    return datetime.now(_zone(zone, "today")).date().isoformat()


@named("format_date")
def _format_date(budget: Budget, value: Any, pattern: Any = "%Y-%m-%d", zone: Any = None) -> str:
    """A date as text by a pattern of %Y %m %d %H %M %S %A %B, in a zone such as Europe/Oslo."""
    moment = _moment(value, "format_date", zone)
    return moment.strftime(_layout(pattern, "format_date"))


@named("parse_date")
def _parse_date(budget: Budget, text: Any, pattern: Any, zone: Any = "UTC") -> str:
    """A text such as 31.12.2024 as a date, read by %d.%m.%Y; with a time of day in `zone`."""
    layout = _layout(pattern, "parse_date")
    written = a_text(text, "parse_date")[:200]
    try:
        moment = datetime.strptime(written.strip(), layout)  # noqa: DTZ007 a zone is set below
    except (ValueError, OverflowError, re.error):
        raise ExpressionError(f"parse_date() cannot read {written!r} as {layout}") from None
    if not re.search("%[HIMSpfzZ]", layout.replace("%%", "")):
        return moment.date().isoformat()
    return _written(moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone, "parse_date")))


@named("in_zone")
def _in_zone(budget: Budget, value: Any, zone: Any) -> str:
    """A moment as clocks show it in a time zone: 2024-07-02T00:30:00+02:00 for Europe/Oslo."""
    return _written(_moment(value, "in_zone", zone))


@named("date_add")
def _date_add(budget: Budget, value: Any, amount: Any, unit: Any = "days", zone: Any = None) -> str:
    """A date moved by seconds, minutes, hours, days, weeks, months, quarters or years, in `zone`.

    A month later than 31 January is the last of February; with a zone days keep the time of day
    that clocks show there.
    """
    count = a_number(amount, "date_add")
    name = _unit(unit)
    moment = _moment(value, "date_add", zone)
    plain = isinstance(value, str) and _is_day(value.strip()) and zone is None
    try:
        if name in _MONTHS:
            if count != int(count):
                raise ExpressionError(f"date_add() needs a whole number of {name}")
            moved = _months_later(moment, int(count) * _MONTHS[name])
        elif name in _DAYS:
            moved = moment + timedelta(days=count * _DAYS[name])
            plain = plain and count == int(count)
        else:
            # hours are elapsed time, whatever clocks do meanwhile
            span = timedelta(seconds=count * _SECONDS[name])
            moved = (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)
            plain = plain and span % timedelta(days=1) == timedelta()
    except (OverflowError, ValueError):
        raise ExpressionError("date_add() goes beyond the calendar") from None
    made: date = moved.date() if plain else moved
    return _written(made)


@named("date_diff")
def _date_diff(budget: Budget, later: Any, earlier: Any, unit: Any = "days") -> float:
    """The time from `earlier` to `later` in seconds to weeks, or whole months, quarters, years."""
    end, start = _moment(later, "date_diff"), _moment(earlier, "date_diff")
    name = _unit(unit)
    if name not in _MONTHS:
        seconds = _SECONDS.get(name) or _DAYS[name] * 86400
        return (end - start).total_seconds() / seconds
    end = end.astimezone(start.tzinfo)
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and _months_later(start, months) > end:
        months -= 1
    elif months < 0 and _months_later(start, months) < end:
        months += 1
    return float(int(months / _MONTHS[name]))


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _moment(value: Any, where: str, zone: Any = None) -> datetime:
    """The moment, in the zone if there is one. A date alone is its midnight there: it is a day
    that no zone makes another one.
    """
    wanted = None if zone is None else _zone(zone, where)
    try:
        if type(value) in NUMBERS:
            moment = datetime.fromtimestamp(value, UTC)
        else:
            text = a_text(value, where)[:40].strip()
            moment = datetime.fromisoformat(text)
            if wanted is not None and _is_day(text):
                return moment.replace(tzinfo=wanted)
    except (ValueError, OverflowError, OSError):
        hint = "" if where == "parse_date" else "; parse_date() reads other forms by a pattern"
        raise ExpressionError(f"{where}() cannot read {value!r} as a date{hint}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment if wanted is None else moment.astimezone(wanted)
    except OverflowError:
        raise ExpressionError(f"{where}() goes beyond the calendar") from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _written(made: date) -> str:
    return made.isoformat().replace("+00:00", "Z")


def _layout(pattern: Any, where: str) -> str:
    layout = a_text(pattern, where)
    if "%" in _DIRECTIVES.sub("", layout) or len(layout) > 200:
        raise ExpressionError(f"{where}() cannot use the pattern {layout[:40]!r}")
    return layout


def _unit(name: Any) -> str:
    if not isinstance(name, str) or name not in _UNITS:
        raise ExpressionError(f"there is no unit {name!r}; there are: {', '.join(_UNITS)}")
    return name


def _zone(name: Any, where: str) -> tzinfo:
    text = a_text(name, where)
    found = _zone_of(text) if len(text) <= 60 and _ZONE_NAME.fullmatch(text) else None
    if found is None:
        raise ExpressionError(
            f"{where}() knows no time zone {text[:60]!r}; zones are named like Europe/Oslo or UTC"
        )
    return found


@lru_cache(maxsize=1024)
def _zone_of(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None
