"""Columns turned into another type: as SQL that gives null for a cell that does not fit."""

from enum import StrEnum

from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.conditions import Kind, kind_of, text_of
from graphs.tables.names import literal, quoted
from graphs.tables.sources import Relation
from graphs.tables.values import is_nested

_MAX_DIGITS = 38
_DOUBLE_DIGITS = 15
_SPACES = r"[\s\x{a0}\x{202f}]"
_APOSTROPHES = r"['\x{2019}]"
_CURRENCIES = (
    "EUR|USD|GBP|CHF|JPY|NOK|SEK|DKK|PLN|CZK|HUF|RON|CAD|AUD|NZD|CNY|INR|BRL|MXN|ZAR|kr|zł|Kč|Ft"
)
_SHORT_YEAR = r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(\D.*)?"


class ColumnType(StrEnum):
    """What a column is turned into."""

    KEEP = "keep"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class DecimalSign(StrEnum):
    """What stands before the decimals."""

    POINT = "point"
    COMMA = "comma"


class ThousandsSign(StrEnum):
    """What stands between groups of three digits; `auto`: points or spaces with decimal commas."""

    AUTO = "auto"
    NONE = "none"
    COMMA = "comma"
    POINT = "point"
    SPACE = "space"
    APOSTROPHE = "apostrophe"


class DateOrder(StrEnum):
    """The order of day, month and year in dates that do not begin with the year."""

    YEAR_FIRST = "ymd"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


_GROUPS = {
    ThousandsSign.COMMA: ",",
    ThousandsSign.POINT: r"\.",
    ThousandsSign.SPACE: _SPACES,
    ThousandsSign.APOSTROPHE: _APOSTROPHES,
}


class Texts(Struct, frozen=True, kw_only=True):
    """How numbers and dates are written in columns of texts."""

    decimal_sign: DecimalSign = DecimalSign.POINT
    thousands_sign: ThousandsSign = ThousandsSign.AUTO
    date_order: DateOrder = DateOrder.YEAR_FIRST
    date_format: str = ""


class Cast(Struct, frozen=True):
    """`made` is null where a cell does not fit; `given` is the cell, null where it is empty."""

    made: str
    given: str


def cast_of(
    connection: DuckDBPyConnection, table: Relation, column: Column, to: ColumnType, texts: Texts
) -> Cast:
    """How a column of the table becomes another type, without a number being rounded."""
    name = quoted(column.name)
    kind = kind_of(column.type)
    if to is ColumnType.TEXT:
        return Cast(text_of(name, column.type), name)
    if kind is not Kind.TEXT:
        return Cast(_of_values(connection, table, column, to), name)
    text = f"nullif(trim({name}, ' \t\r\n\u00a0\u202f'), '')"
    match to:
        case ColumnType.INTEGER:
            return Cast(_whole(_number(text, texts)), text)
        case ColumnType.NUMBER:
            number = _number(text, texts)
            return Cast(f"TRY_CAST({number} AS {_exact(connection, table, number)})", text)
        case ColumnType.BOOLEAN:
            listed = "CASE lower({}) WHEN 'yes' THEN true WHEN 'no' THEN false ELSE {} END"
            return Cast(listed.format(text, f"TRY_CAST({text} AS BOOLEAN)"), text)
        case _:
            moment = _moment(text, texts)
            return Cast(moment if to is ColumnType.TIMESTAMP else f"CAST({moment} AS DATE)", text)


def _of_values(
    connection: DuckDBPyConnection, table: Relation, column: Column, to: ColumnType
) -> str:
    name = quoted(column.name)
    cell = f"CAST(to_json({name}) AS VARCHAR)" if is_nested(column.type) else name
    numbers = kind_of(column.type) is Kind.NUMBER
    match to:
        case ColumnType.INTEGER:
            whole = f"TRY_CAST({cell} AS HUGEINT)"
            return f"CASE WHEN {name} = trunc({name}) THEN {whole} END" if numbers else whole
        case ColumnType.NUMBER:
            if numbers and column.type not in ("DOUBLE", "FLOAT"):
                found = connection.execute(
                    f"SELECT 1 FROM {table.scan} WHERE {name} <> "
                    f"TRY_CAST(TRY_CAST({name} AS DOUBLE) AS {column.type}) LIMIT 1"
                ).fetchone()
                if found is not None or column.type.startswith("DECIMAL"):
                    return name
            return f"TRY_CAST({cell} AS DOUBLE)"
        case ColumnType.BOOLEAN:
            return f"TRY_CAST({cell} AS BOOLEAN)"
        case ColumnType.DATE:
            return f"TRY_CAST({cell} AS DATE)"
        case _:
            return f"TRY_CAST({cell} AS TIMESTAMP)"


def _number(text: str, texts: Texts) -> str:
    """The text as SQL writes numbers; null if it is none."""
    comma = texts.decimal_sign is DecimalSign.COMMA
    sign = "," if comma else r"\."
    groups = _GROUPS.get(texts.thousands_sign, "")
    if texts.thousands_sign is ThousandsSign.AUTO and comma:
        groups = rf"(?:\.|{_APOSTROPHES}|{_SPACES})"
    whole = r"\d+" if not groups or groups == sign else rf"(?:\d{{1,3}}(?:{groups}\d{{3}})+|\d+)"
    pattern = rf"[+-]?(?:{whole}(?:{sign}\d*)?|{sign}\d+)(?:[eE][+-]?\d+)?"
    unit = rf"(?:\p{{Sc}}|{_SPACES}|{_CURRENCIES})+"
    currency = rf"^([+-]?){unit}([+-]?)|{unit}$"
    # U+2212 is what typesetters write for a minus
    signed = f"replace({text}, '\u2212', '-')"
    bare = rf"regexp_replace({signed}, {literal(currency)}, '\1\2', 'g')"
    plain = bare
    if groups and groups != sign:
        plain = f"regexp_replace({plain}, {literal(groups)}, '', 'g')"
    if comma:
        plain = f"replace({plain}, ',', '.')"
    return f"CASE WHEN regexp_full_match({bare}, {literal(pattern)}) THEN {plain} END"


def _whole(number: str) -> str:
    return (
        rf"CASE WHEN regexp_full_match({number}, '[+-]?\d+(\.0*)?') "
        rf"THEN TRY_CAST(split_part({number}, '.', 1) AS HUGEINT) "
        f"WHEN TRY_CAST({number} AS DOUBLE) = trunc(TRY_CAST({number} AS DOUBLE)) "
        f"AND contains(lower({number}), 'e') "
        f"THEN TRY_CAST(TRY_CAST({number} AS DOUBLE) AS HUGEINT) END"
    )


def _exact(connection: DuckDBPyConnection, table: Relation, number: str) -> str:
    """DOUBLE, or the DECIMAL that keeps the digits which one of the numbers would lose in it."""
    digits = rf"regexp_replace(regexp_replace({number}, '[eE].*$|[.+-]', '', 'g'), '^0+', '')"
    found = connection.execute(
        f"SELECT coalesce(max(length({digits})), 0), "
        rf"coalesce(max(length(regexp_extract({number}, '^[+-]?(\d*)', 1))), 0), "
        rf"coalesce(max(length(regexp_extract({number}, '\.(\d*)', 1))), 0), "
        f"coalesce(bool_or(contains(lower({number}), 'e')), false) FROM {table.scan}"
    ).fetchone()
    longest, whole, fraction, exponent = found or (0, 0, 0, False)
    if longest <= _DOUBLE_DIGITS or exponent or whole + fraction > _MAX_DIGITS:
        return "DOUBLE"
    return f"DECIMAL({_MAX_DIGITS},{fraction})"


def _moment(text: str, texts: Texts) -> str:
    if texts.date_format:
        return f"try_strptime({text}, {literal(texts.date_format)})"
    usual = f"TRY_CAST({text} AS TIMESTAMP)"
    if texts.date_order is DateOrder.YEAR_FIRST:
        return usual
    parts = ("%d", "%m") if texts.date_order is DateOrder.DAY_FIRST else ("%m", "%d")
    made: dict[str, str] = {}
    for year in ("%y", "%Y"):
        formats = [
            sign.join((*parts, year)) + clock
            for sign in ("/", ".", "-")
            for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
        ]
        made[year] = f"try_strptime({text}, [{', '.join(map(literal, formats))}])"
    return (
        rf"CASE WHEN regexp_matches({text}, '^\d{{4}}') THEN {usual} "
        f"WHEN regexp_full_match({text}, {literal(_SHORT_YEAR)}) THEN {made['%y']} "
        f"ELSE {made['%Y']} END"
    )
