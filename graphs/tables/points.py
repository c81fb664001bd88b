"""The few numbers that a chart shows, made from however many rows: aggregated, limited, thinned."""

from enum import StrEnum
from typing import Any

from duckdb import DuckDBPyConnection
from msgspec import Struct, field

from graphs.artifacts import Column
from graphs.errors import NodeError
from graphs.tables.aggregates import Function, aggregate_expression
from graphs.tables.conditions import Kind, kind_of
from graphs.tables.names import find_column, quoted
from graphs.tables.results import columns_of
from graphs.tables.sources import Relation
from graphs.tables.values import fetchable, rows_as_objects

MAX_POINTS = 5000
MAX_SERIES = 12
MAX_BARS = 50
MAX_SLICES = 10
BINS = 30
OTHER = "Other"
EMPTY = "(empty)"

_LONGEST_LABEL = 200
_SHORTENED = 100
_NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class ChartKind(StrEnum):
    """The shape of a chart."""

    BAR = "bar"
    LINE = "line"
    AREA = "area"
    SCATTER = "scatter"
    PIE = "pie"
    HISTOGRAM = "histogram"


class Aggregate(StrEnum):
    """How the rows with the same x become one point."""

    AUTO = "auto"
    NONE = "none"
    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be shown; an empty name is no column."""

    kind: ChartKind
    x: str
    y: str = ""
    series: str = ""
    aggregate: Aggregate = Aggregate.AUTO
    limit: int | None = None


class Points(Struct, kw_only=True):
    """What a chart shows: objects with `x`, `y` and, with series, `s`; bins with `x` and `x2`."""

    rows: list[dict[str, Any]]
    x_title: str
    y_title: str
    x_kind: Kind
    series_title: str = ""
    notes: list[str] = field(default_factory=list[str])
    """What was left out or put together, for the log."""


def points_of(connection: DuckDBPyConnection, table: Relation, wanted: Wanted) -> Points:
    """Raises NodeError for a column that is unknown or does not fit the kind of chart."""
    if wanted.kind is ChartKind.HISTOGRAM:
        return _histogram(connection, table, wanted)
    maker = _Maker(connection, table, wanted)
    if wanted.kind is ChartKind.SCATTER:
        return maker.scatter()
    return maker.aggregated()


class _Maker:
    def __init__(self, connection: DuckDBPyConnection, table: Relation, wanted: Wanted) -> None:
        self.db = connection
        self.table = table
        self.wanted = wanted
        self.x = find_column(table.columns, wanted.x)
        self.y = find_column(table.columns, wanted.y) if wanted.y else None
        self.series = find_column(table.columns, wanted.series) if wanted.series else None
        self.notes: list[str] = []

    def scatter(self) -> Points:
        if self.y is None:
            raise _unfit("a scatter chart needs a column for y")
        _numbers(self.y, "y")
        y = quoted(self.y.name)
        keep = f"{y} IS NOT NULL"
        if kind_of(self.x.type) in (Kind.NUMBER, Kind.MOMENT):
            keep = f"{keep} AND {quoted(self.x.name)} IS NOT NULL"
        self._create(y, keep, "")
        self._limit_series()
        self._thin("o")
        return self._points(self.y.name, "o")

    def aggregated(self) -> Points:
        made, title, grouped = self._value()
        keep = (
            ""
            if kind_of(self.x.type) in (Kind.TEXT, Kind.OTHER, Kind.TRUTH)
            else f"{quoted(self.x.name)} IS NOT NULL"
        )
        self._create(made, keep, " GROUP BY ALL" if grouped else "")
        self._limit_series()
        kind = self.wanted.kind
        if kind is ChartKind.PIE:
            self._refuse_negative(title)
            self._limit_x(self.wanted.limit or MAX_SLICES, rest=True)
        elif kind is ChartKind.BAR:
            self._limit_x(self.wanted.limit or MAX_BARS, rest=False)
        elif self.wanted.limit is not None:
            self._limit_x(self.wanted.limit, rest=False)
        in_order = kind is not ChartKind.PIE and kind_of(self.x.type) in (Kind.NUMBER, Kind.MOMENT)
        self._thin("x" if in_order else "o")
        return self._points(title, "x, o" if in_order else "o")

    def _value(self) -> tuple[str, str, bool]:
        """The SQL expression of y, its title, and whether rows are put together for it."""
        aggregate = self.wanted.aggregate
        if self.y is None:
            if aggregate not in (Aggregate.AUTO, Aggregate.COUNT):
                raise _unfit(f"{aggregate} needs a column for y; without one, rows are counted")
            return "count(*)", "Number of rows", True
        if aggregate is Aggregate.AUTO:
            _numbers(self.y, "y")
            aggregate = Aggregate.SUM if self._doubled() else Aggregate.NONE
            if aggregate is Aggregate.SUM:
                self.notes.append(
                    f"several rows have the same {self.x.name!r}: their {self.y.name!r} are added "
                    "up; choose another aggregate to change that"
                )
        if aggregate is Aggregate.NONE:
            _numbers(self.y, "y")
            return quoted(self.y.name), self.y.name, False
        made = aggregate_expression(self.table, Function(str(aggregate)), self.y.name)
        return made, f"{str(aggregate).capitalize()} of {self.y.name}", True

    def _doubled(self) -> bool:
        keys = [quoted(self.x.name)]
        if self.series is not None:
            keys.append(quoted(self.series.name))
        grouped = ", ".join(keys)
        found = self.db.execute(
            f"SELECT 1 FROM {self.table.scan} GROUP BY {grouped} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        return found is not None

    def _create(self, y: str, where: str, group: str) -> None:
        x = quoted(self.x.name)
        if kind_of(self.x.type) not in (Kind.NUMBER, Kind.MOMENT):
            x = _label(x)
        elif self.x.type.startswith("DECIMAL"):
            x = f"CAST({x} AS DOUBLE)"
        series = "" if self.series is None else f", {_label(quoted(self.series.name))} AS s"
        order = f"min({self.table.order})" if group else self.table.order
        filters = f" WHERE {where}" if where else ""
        self.db.execute(
            f"CREATE TEMP TABLE points AS SELECT {x} AS x{series}, CAST({y} AS DOUBLE) AS y, "
            f"{order} AS o FROM {self.table.scan}{filters}{group}"
        )
        if where:
            self._note_left_out(f"SELECT count(*) FROM {self.table.scan} WHERE NOT ({where})")
        odd = "y IS NULL OR NOT isfinite(y)"
        self._note_left_out(f"SELECT count(*) FROM points WHERE {odd}", "points")
        self.db.execute(f"DELETE FROM points WHERE {odd}")

    def _note_left_out(self, counted: str, what: str = "rows") -> None:
        found = self.db.execute(counted).fetchone()
        if found is not None and found[0]:
            self.notes.append(f"{what} left out for want of a value: {found[0]:,}")

    def _refuse_negative(self, title: str) -> None:
        found = self.db.execute("SELECT x, y FROM points WHERE y < 0 ORDER BY y LIMIT 1").fetchone()
        if found is not None:
            raise _unfit(
                f"a pie cannot show what is less than nothing: {title!r} of {str(found[0])!r} is "
                f"{found[1]:g}; choose bars, or filter such rows out before"
            )

    def _limit_series(self) -> None:
        if self.series is None or self._count("DISTINCT s") <= MAX_SERIES:
            return
        self.notes.append(
            f"{self._count('DISTINCT s')} values of {self.series.name!r}: "
            f"only the {MAX_SERIES} largest are shown"
        )
        self.db.execute(
            "DELETE FROM points WHERE s NOT IN (SELECT s FROM points GROUP BY s "
            f"ORDER BY sum(abs(y)) DESC, min(o) LIMIT {MAX_SERIES})"
        )

    def _limit_x(self, limit: int, *, rest: bool) -> None:
        count = self._count("DISTINCT x")
        if count <= limit:
            return
        self.db.execute(
            "CREATE TEMP TABLE kept AS SELECT x FROM points GROUP BY x "
            f"ORDER BY sum(abs(y)) DESC, min(o) LIMIT {limit - 1 if rest else limit}"
        )
        said = f"{count:,} values of {self.x.name!r}: the {limit} largest are shown"
        if rest:
            said = f"{count:,} values of {self.x.name!r}: all but {limit - 1} are in {OTHER!r}"
            self.db.execute(
                "CREATE TEMP TABLE other AS SELECT sum(y) AS y, max(o) AS o FROM points "
                "WHERE x NOT IN (FROM kept)"
            )
            self.db.execute("DELETE FROM points WHERE x NOT IN (FROM kept)")
            self.db.execute("ALTER TABLE points ALTER x TYPE VARCHAR")
            self.db.execute(
                f"INSERT INTO points BY NAME SELECT '{OTHER}' AS x, y, {2**62} AS o FROM other"
            )
        else:
            self.db.execute("DELETE FROM points WHERE x NOT IN (FROM kept)")
        self.notes.append(said)

    def _thin(self, order: str) -> None:
        count = self._count("*")
        if count <= MAX_POINTS:
            return
        step = -(-count // MAX_POINTS)
        self.notes.append(f"{count:,} points: every {step}th is shown")
        self.db.execute(
            "CREATE OR REPLACE TEMP TABLE points AS SELECT * EXCLUDE (n) FROM (SELECT *, "
            f"row_number() OVER (ORDER BY {order}) AS n FROM points) WHERE n % {step} = 0"
        )

    def _count(self, what: str) -> int:
        found = self.db.execute(f"SELECT count({what}) FROM points").fetchone()
        return 0 if found is None else int(found[0])

    def _points(self, y_title: str, order: str) -> Points:
        columns = [column for column in columns_of(self.db, "FROM points") if column.name != "o"]
        rows = self.db.execute(
            f"SELECT {fetchable(columns)} FROM points ORDER BY {order}"
        ).fetchall()
        x_kind = kind_of(next(column.type for column in columns if column.name == "x"))
        return Points(
            rows=rows_as_objects(columns, rows),
            x_title=self.x.name,
            y_title=y_title,
            x_kind=x_kind,
            series_title="" if self.series is None else self.series.name,
            notes=self.notes,
        )


def _label(cell: str) -> str:
    """A text for an axis or a legend; a long one is cut, and what follows tells it from others."""
    text = f"coalesce(nullif(CAST({cell} AS VARCHAR), ''), '{EMPTY}')"
    cut = f"left({text}, {_SHORTENED}) || '… #' || left(md5({text}), 6)"
    return f"CASE WHEN length({text}) > {_LONGEST_LABEL} THEN {cut} ELSE {text} END"


def _histogram(connection: DuckDBPyConnection, table: Relation, wanted: Wanted) -> Points:
    x = find_column(table.columns, wanted.x)
    _numbers(x, "x")
    name = f"CAST({quoted(x.name)} AS DOUBLE)"
    finite = f"isfinite({name})"
    found = connection.execute(
        f"SELECT min({name}) FILTER ({finite}), max({name}) FILTER ({finite}), "
        f"count(*) FILTER ({name} IS NULL OR NOT {finite}) FROM {table.scan}"
    ).fetchone()
    title = "Number of rows"
    if found is None or found[0] is None:
        return Points(rows=[], x_title=x.name, y_title=title, x_kind=Kind.NUMBER)
    notes = [f"rows left out for want of a value: {found[2]:,}"] if found[2] else []
    low, high = float(found[0]), float(found[1])
    step = _nice_step(low, high, wanted.limit or BINS)
    start = low // step
    rows = connection.execute(
        f"SELECT least(floor({name} / {step!r}), {high // step!r}) AS bin, count(*) "
        f"FROM {table.scan} WHERE {finite} GROUP BY bin ORDER BY bin"
    ).fetchall()
    counts = {int(at - start): count for at, count in rows}
    bins = [
        {
            "x": round((start + at) * step, 12),
            "x2": round((start + at + 1) * step, 12),
            "y": counts.get(at, 0),
        }
        for at in range(max(counts) + 1)
    ]
    return Points(rows=bins, x_title=x.name, y_title=title, x_kind=Kind.NUMBER, notes=notes)


def _nice_step(low: float, high: float, bins: int) -> float:
    width = (high - low) / bins or abs(high) / bins or 1.0
    power = 10.0 ** _floor_log10(width)
    return next(nice * power for nice in _NICE_STEPS if nice * power >= width * (1 - 1e-9))


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def _numbers(column: Column, what: str) -> None:
    if kind_of(column.type) is not Kind.NUMBER:
        raise _unfit(
            f"{what} needs a column of numbers, and {column.name!r} is {column.type}; convert it "
            "before, with the node Select columns"
        )


def _unfit(message: str) -> NodeError:
    return NodeError(message, code="chart_invalid", retryable=False)
