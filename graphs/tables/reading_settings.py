"""How a file is to be read, as the analyst sets it, and what there is to say about it after."""

from enum import StrEnum

from msgspec import Struct, field

from graphs.errors import NodeError
from graphs.tables.formats import FileFormat
from graphs.tables.results import Written


class Header(StrEnum):
    """Whether the first row holds the columns' names."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class Quote(StrEnum):
    """What stands around a cell that holds the separator or line breaks."""

    AUTO = "auto"
    DOUBLE = "double"
    SINGLE = "single"
    NONE = "none"


class DecimalSign(StrEnum):
    """What stands before the decimals; `auto` takes a comma only when the file leaves no doubt."""

    AUTO = "auto"
    POINT = "point"
    COMMA = "comma"


class DateOrder(StrEnum):
    """The order of day, month and year in dates that do not begin with the year."""

    AUTO = "auto"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


class Ragged(StrEnum):
    """What is done with rows that are shorter or longer than the others."""

    FILL = "fill"
    REFUSE = "refuse"


class ColumnKind(StrEnum):
    """What a column of a text file is read as, when the analyst says so."""

    TEXT = "text"
    WHOLE_NUMBER = "whole_number"
    DECIMAL = "decimal"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"


class Reading(Struct, frozen=True, kw_only=True):
    """How a file is to be read; `name` is what the analyst calls it."""

    name: str
    format: FileFormat
    encoding: str = ""
    delimiter: str = ""
    quote: Quote = Quote.AUTO
    header: Header = Header.AUTO
    sheet: str = ""
    skip_rows: int = 0
    decimal: DecimalSign = DecimalSign.AUTO
    date_order: DateOrder = DateOrder.AUTO
    text_columns: tuple[str, ...] = ()
    column_types: dict[str, ColumnKind] = field(default_factory=dict[str, ColumnKind])
    ragged: Ragged = Ragged.FILL
    null_texts: tuple[str, ...] = ()


class Notice(Struct, frozen=True):
    """Something odd or guessed; `line` counts the file's lines (a sheet's rows) from 1."""

    detail: str
    line: int | None = None

    def __str__(self) -> str:
        return self.detail if self.line is None else f"line {self.line:,}: {self.detail}"


class Understood(Struct, frozen=True, kw_only=True):
    """What a text file was taken for. None or empty: it does not apply to the format."""

    separator: str = ""
    quote: str = ""
    encoding: str = ""
    header: bool | None = None
    skip_rows: int = 0
    decimal: str = ""
    date_order: str = ""
    sheet: str = ""


class ReadTable(Struct, frozen=True):
    """A file read into a table, what it was taken for, and what was odd about it.

    `partial`: only its head has been looked at.
    """

    written: Written
    dialect: Understood
    notices: list[Notice]
    partial: bool = False


def unreadable(name: str, why: str, line: int | None = None) -> NodeError:
    """The error `file_unreadable`, which names the line when there is one."""
    place = "" if line is None else f"line {line:,}: "
    return NodeError(
        f"{name!r} cannot be read: {place}{why}", code="file_unreadable", retryable=False
    )


def plural(count: int, one: str, many: str) -> str:
    """`1 row was`, `3 rows were`."""
    return f"{count:,} {one if count == 1 else many}"
