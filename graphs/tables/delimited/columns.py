"""What the texts of a column may be taken for without losing anything of them."""

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from graphs.tables.names import literal
from graphs.tables.reading_settings import ColumnKind, DateOrder

_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}")
_DIGITS = re.compile(r"-?\d+")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_FLOAT = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")
_FLOAT_SIGN = re.compile(r"\.|[eE][+-]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d:\d\d")
_CLOCK = r"[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_STAMP = re.compile(_DATE.pattern + _CLOCK)
_ZONED = re.compile(_STAMP.pattern + r"(Z|[+-]\d\d:?\d\d)")
_DAYS = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?: (\d\d?:\d\d(?::\d\d)?))?")
_MOST_DIGITS = 38
_EXACT_DIGITS = 15
_LAST_MONTH = 12


class Candidate(Struct, frozen=True):
    """One thing that a column may be.

    `test` is SQL that is true where the text `{x}` fits. `measures` are aggregates, and `cast`
    makes the SQL of the value from what they gave; it gives None if the column is no such thing.
    """

    kind: ColumnKind | None
    fits: Callable[[str], bool]
    test: str
    cast: Callable[[Sequence[int | None]], str | None]
    measures: tuple[str, ...] = ()


def candidates(comma: bool, order: DateOrder) -> list[Candidate]:
    """What a column may be, in the order of trying."""

    def pointed(text: str) -> str:
        return text.replace(",", ".") if comma and "." not in text else text

    # with a decimal comma a point belongs to no number
    x = "CASE WHEN contains({x}, '.') THEN '' ELSE replace({x}, ',', '.') END" if comma else "{x}"

    def plain(text: str) -> bool:
        return not comma or "." not in text

    return [
        Candidate(
            ColumnKind.BOOLEAN,
            lambda text: text.lower() in ("true", "false"),
            "lower({x}) IN ('true', 'false')",
            lambda _: "lower({x}) = 'true'",
        ),
        Candidate(
            ColumnKind.WHOLE_NUMBER,
            lambda text: bool(_WHOLE.fullmatch(text)) and -(2**63) <= int(text) < 2**63,
            "TRY_CAST({x} AS BIGINT)::VARCHAR = {x}",
            lambda _: "CAST({x} AS BIGINT)",
        ),
        Candidate(
            ColumnKind.DECIMAL,
            lambda text: plain(text) and _is_decimal(pointed(text)),
            f"regexp_full_match({x}, {_sql(_DECIMAL)}) AND strlen({x}) <= {_MOST_DIGITS + 2}",
            lambda found: _decimal(found, x),
            (
                f"max(CASE strpos({x}, '.') WHEN 0 THEN strlen({x}) ELSE strpos({x}, '.') - 1 END)",
                f"max(CASE strpos({x}, '.') WHEN 0 THEN 0 ELSE strlen({x}) - strpos({x}, '.') END)",
            ),
        ),
        Candidate(
            ColumnKind.DECIMAL,
            lambda text: plain(text) and _is_float(pointed(text)),
            f"regexp_full_match({x}, {_sql(_FLOAT)}) AND isfinite(TRY_CAST({x} AS DOUBLE)) AND "
            f"(length(regexp_replace(regexp_replace({x}, '[eE].*', ''), '^[-0.]+|[.]', '', 'g')) "
            f"<= {_EXACT_DIGITS} OR TRY_CAST({x} AS DOUBLE)::VARCHAR = {x})",
            lambda found: f"CAST({x} AS DOUBLE)" if found[0] else None,
            (f"count(*) FILTER (WHERE regexp_matches({x}, {_sql(_FLOAT_SIGN)}))",),
        ),
        Candidate(
            ColumnKind.DATE,
            lambda text: bool(_DATE.fullmatch(text)),
            "TRY_CAST({x} AS DATE)::VARCHAR = {x} AND strlen({x}) = 10",
            lambda _: "CAST({x} AS DATE)",
        ),
        Candidate(
            ColumnKind.TIMESTAMP,
            lambda text: bool(_STAMP.fullmatch(text)),
            f"regexp_full_match({{x}}, {_sql(_STAMP)}) AND "
            "TRY_CAST({x} AS TIMESTAMP) IS NOT NULL",
            lambda _: "CAST({x} AS TIMESTAMP)",
        ),
        Candidate(
            ColumnKind.TIMESTAMP,
            lambda text: bool(_ZONED.fullmatch(text)),
            f"regexp_full_match({{x}}, {_sql(_ZONED)}) AND "
            "TRY_CAST({x} AS TIMESTAMPTZ) IS NOT NULL",
            lambda _: "CAST({x} AS TIMESTAMPTZ)",
        ),
        Candidate(
            None,
            lambda text: bool(_TIME.fullmatch(text)),
            "TRY_CAST({x} AS TIME)::VARCHAR = {x}",
            lambda _: "CAST({x} AS TIME)",
        ),
        *_dates(order),
    ]


def moments() -> list[Candidate]:
    """Dates and times as ISO 8601 has them."""
    kinds = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
    return [each for each in candidates(False, DateOrder.AUTO) if each.kind in kinds][:3]


def _dates(order: DateOrder) -> list[Candidate]:
    """Dates written with the day or the month first; without an order set they need a proof."""
    made: list[Candidate] = []
    orders = (
        (DateOrder.YEAR_FIRST, DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST)
        if order is DateOrder.AUTO
        else (order,)
    )
    for each in orders:
        for sign in "./-":
            for clock, suffix in (
                ("", ""),
                (" %H:%M", r" \d\d?:\d\d"),
                (" %H:%M:%S", r" \d\d?:\d\d:\d\d"),
            ):
                made.append(_date(each, sign, clock, suffix, proof=order is DateOrder.AUTO))
    return made


def _date(order: DateOrder, sign: str, clock: str, suffix: str, *, proof: bool) -> Candidate:
    marks = {"d": "%d", "m": "%m", "y": "%Y"}
    widths = {"d": r"\d{1,2}", "m": r"\d{1,2}", "y": r"\d{4}"}
    pattern = f"[{sign}]".join(widths[part] for part in order.value) + suffix
    format = sign.join(marks[part] for part in order.value) + clock
    whole = re.compile(pattern)
    kind = ColumnKind.TIMESTAMP if clock else ColumnKind.DATE
    day_at = order.value.index("d")
    made = f"strptime({{x}}, {literal(format)})"
    # a day beyond 12 can be no month: the other order is out of the question
    measure = f"max(TRY_CAST(split_part({{x}}, '{sign}', {day_at + 1}) AS INTEGER))"

    def cast(found: Sequence[int | None]) -> str | None:
        if proof and order is not DateOrder.YEAR_FIRST and (found[0] or 0) <= _LAST_MONTH:
            return None
        return made if clock else f"CAST({made} AS DATE)"

    return Candidate(
        kind,
        lambda text: bool(whole.fullmatch(text)),
        f"regexp_full_match({{x}}, {literal(pattern)}) AND "
        f"try_strptime({{x}}, {literal(format)}) IS NOT NULL",
        cast,
        (measure,),
    )


def is_long_number(text: str) -> bool:
    """Whether the text is a whole number of more digits than 64 bits hold."""
    return bool(_DIGITS.fullmatch(text)) and not -(2**63) <= int(text[:60]) < 2**63


def _is_decimal(text: str) -> bool:
    return bool(_DECIMAL.fullmatch(text)) and len(text) <= _MOST_DIGITS + 2


def _is_float(text: str) -> bool:
    return bool(_FLOAT.fullmatch(text))


def _decimal(found: Sequence[int | None], x: str) -> str | None:
    before, after = found[0] or 1, found[1] or 0
    if not after or before + after > _MOST_DIGITS:
        return None
    return f"CAST({x} AS DECIMAL({before + after}, {after}))"


def _sql(pattern: re.Pattern[str]) -> str:
    return literal(pattern.pattern)
