"""The node type `chart`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import Meta

from graphs.node_type import NodeContext, Output, Params
from graphs.tables.node import TableNode, TableSetting, chosen
from graphs.tables.plot import chart_value
from graphs.tables.points import Aggregate, ChartKind, Points, Wanted, points_of
from graphs.tables.sources import assumed_note, given_table, open_tables
from graphs.tables.work import Work, run_work


class ChartParams(Params, frozen=True, kw_only=True):
    kind: Annotated[
        ChartKind,
        Meta(
            title="Kind",
            description="histogram: how the numbers of one column are spread.",
        ),
    ] = ChartKind.BAR
    x: Annotated[
        str,
        Meta(
            title="X axis",
            description="The column along the bottom; of a pie, the one of the slices.",
            min_length=1,
            examples=["region"],
            extra_json_schema={"x-widget": "column"},
        ),
    ]
    y: Annotated[
        str,
        Meta(
            title="Y axis",
            description="A column of numbers. Left empty: the rows are counted.",
            examples=["revenue"],
            extra_json_schema={"x-widget": "column"},
        ),
    ] = ""
    series: Annotated[
        str,
        Meta(
            title="Series",
            description="One colour for each value of this column.",
            examples=["year"],
            extra_json_schema={"x-widget": "column"},
        ),
    ] = ""
    aggregate: Annotated[
        Aggregate,
        Meta(
            title="Rows with the same x",
            description="auto: where there are several, their y are added up.",
        ),
    ] = Aggregate.AUTO
    title: Annotated[
        str, Meta(title="Title", description="Left empty: it is made up.", max_length=200)
    ] = ""
    limit: Annotated[
        Annotated[int, Meta(ge=2, le=1000)] | None,
        Meta(
            title="Show at most",
            description="How many bars, slices or bins, the largest. Left empty: what is legible.",
        ),
    ] = None
    table: TableSetting = None


class Chart(TableNode[ChartParams]):
    """Draws a table as a chart: bars, lines, areas, points, a pie or a histogram.

    Of many rows, what is shown is put together first; the log says what was left out.
    """

    name = "chart"
    title = "Chart"
    icon = "bar_chart"
    keywords = ("graph", "plot", "diagram", "visualise")
    params_type = ChartParams

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        if params.get("kind") == ChartKind.SCATTER and not params.get("y"):
            yield ("y",), "A scatter chart needs a column for y"

    async def run(self, params: ChartParams, ctx: NodeContext) -> Output:
        store = ctx.services.artifacts
        table = await given_table(store, chosen(params.table, ctx))
        wanted = Wanted(
            kind=params.kind,
            x=params.x,
            y=params.y,
            series=params.series,
            aggregate=params.aggregate,
            limit=params.limit,
        )

        x_type = "DOUBLE" if params.kind is ChartKind.HISTOGRAM else "VARCHAR"
        named = {params.series: "VARCHAR", params.y: "DOUBLE", params.x: x_type}
        named.pop("", None)

        def job(work: Work) -> Points:
            connection, relations = open_tables(work, {"input": table}, [], {"input": named})
            points = points_of(connection, relations["input"], wanted)
            points.notes += assumed_note(relations.values())
            return points

        points = await run_work(store.new_path(".work"), job, say=ctx.log)
        value = chart_value(points, params.kind, params.title)
        for note in points.notes:
            ctx.log(note)
        return Output(value)
