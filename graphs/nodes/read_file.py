"""The node type `read_file`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, field

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.formats import FileFormat, format_of
from graphs.tables.node import TableNode, kept_table, work_result
from graphs.tables.reading import json_object, read_table, read_text
from graphs.tables.reading_settings import (
    ColumnKind,
    DateOrder,
    DecimalSign,
    Header,
    Quote,
    Ragged,
    Reading,
    ReadTable,
)
from graphs.tables.work import Work

_OF_CSV: dict[str, Any] = {"x-when": {"format": ["auto", "csv", "tsv"]}}
_OF_ROWS: dict[str, Any] = {"x-when": {"format": ["auto", "csv", "tsv", "xlsx"]}}
_OF_EXCEL: dict[str, Any] = {"x-when": {"format": ["auto", "xlsx"]}}


class ReadFileParams(Params, frozen=True):
    name: Annotated[
        str,
        Meta(
            title="File",
            description="A file of the workspace: what the page Files lists, or a run has written.",
            min_length=1,
            max_length=1000,
            examples=["sales.csv", "reports/2026/{{ input.month }}.xlsx"],
            extra_json_schema={"x-widget": "file"},
        ),
    ]
    format: Annotated[
        FileFormat,
        Meta(
            title="Format",
            description="auto: by the ending of the name. A text is put out as {text}.",
        ),
    ] = FileFormat.AUTO
    encoding: Annotated[
        str,
        Meta(
            title="Encoding",
            description="Of a text. Left empty: UTF-8, UTF-16 or UTF-32 if it is that, else "
            "Windows-1252.",
            max_length=40,
            examples=["cp1250"],
        ),
    ] = ""
    delimiter: Annotated[
        str,
        Meta(
            title="Separator",
            description="Between the cells of a CSV file. Left empty: it is found out.",
            max_length=4,
            examples=[";"],
            extra_json_schema=_OF_CSV,
        ),
    ] = ""
    quote: Annotated[
        Quote,
        Meta(
            title="Quote",
            description="What stands around cells that hold the separator. none: quotes are "
            "letters like others.",
            extra_json_schema=_OF_CSV,
        ),
    ] = Quote.AUTO
    header: Annotated[
        Header,
        Meta(
            title="First row holds names",
            description="auto: it is found out (CSV and Excel).",
            extra_json_schema=_OF_ROWS,
        ),
    ] = Header.AUTO
    skip_rows: Annotated[
        int,
        Meta(
            title="Skip rows",
            description="How many lines from the top, blank ones too (CSV and Excel).",
            ge=0,
            extra_json_schema=_OF_ROWS,
        ),
    ] = 0
    decimal: Annotated[
        DecimalSign,
        Meta(
            title="Decimal sign",
            description="auto: a comma only where the numbers leave no doubt (CSV).",
            extra_json_schema=_OF_CSV,
        ),
    ] = DecimalSign.AUTO
    date_order: Annotated[
        DateOrder,
        Meta(
            title="Date order",
            description="Of dates such as 03/04/2026. auto: if a column proves it; else they stay "
            "texts (CSV).",
            extra_json_schema=_OF_CSV,
        ),
    ] = DateOrder.AUTO
    text_columns: Annotated[
        tuple[str, ...],
        Meta(
            title="Columns as text",
            description="Columns that are to stay text, such as codes and numbers of accounts.",
            examples=[["customer_no"]],
        ),
    ] = ()
    column_types: Annotated[
        dict[str, ColumnKind],
        Meta(
            title="Types of columns",
            description="What columns must be; a value that is not ends the step (CSV).",
            examples=[{"amount": "decimal"}],
            extra_json_schema=_OF_CSV,
        ),
    ] = field(default_factory=dict[str, ColumnKind])
    ragged: Annotated[
        Ragged,
        Meta(
            title="Uneven rows",
            description="fill: missing cells are empty, and further ones get columns of their own. "
            "refuse: such a row ends the step (CSV).",
            extra_json_schema=_OF_CSV,
        ),
    ] = Ragged.FILL
    null_texts: Annotated[
        tuple[str, ...],
        Meta(
            title="Texts for nothing",
            description="What stands for an empty cell besides an empty one (CSV).",
            examples=[["NA", "NULL"]],
            extra_json_schema=_OF_CSV,
        ),
    ] = ()
    sheet: Annotated[
        str,
        Meta(
            title="Sheet",
            description="Of an Excel workbook. Left empty: the first one.",
            max_length=100,
            examples=["Sales"],
            extra_json_schema=_OF_EXCEL,
        ),
    ] = ""


class ReadFile(TableNode[ReadFileParams]):
    """Reads a file of the workspace: CSV, TSV, JSON, JSON Lines, Parquet and Excel as a table, text
    as `{"text": …}`. A JSON file that holds one object is put out as that object.
    """

    name = "read_file"
    title = "Read file"
    icon = "file_open"
    keywords = ("upload", "csv", "excel", "import", "load", "open", "table")
    params_type = ReadFileParams

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: ReadFileParams, ctx: NodeContext) -> Output:
        files = ctx.services.files
        if files is None:
            raise NodeError(
                "this run has no workspace to read files from",
                code="files_unavailable",
                retryable=False,
            )
        path = await files.path(params.name)
        format = format_of(params.name, params.format)
        if format is FileFormat.TEXT:
            text = await asyncio.to_thread(read_text, path, params.name, params.encoding)
            return Output({"text": text})
        if format is FileFormat.JSON:
            value = await asyncio.to_thread(json_object, path, params.name, params.encoding)
            if value is not None:
                return Output(value)
        reading = reading_of(params)
        target = ctx.services.artifacts.new_path(".parquet")

        def job(work: Work) -> ReadTable:
            return read_table(work, path, reading, target)

        found = await work_result(ctx, target, job)
        for notice in found.notices:
            ctx.log(str(notice), "warning")
        return Output((await kept_table(ctx, found.written, params.name)).to_json())


def reading_of(params: ReadFileParams) -> Reading:
    """How the settings say that the file is to be read. Raises NodeError for an unknown format."""
    return Reading(
        name=params.name,
        format=format_of(params.name, params.format),
        encoding=params.encoding,
        delimiter=params.delimiter,
        quote=params.quote,
        header=params.header,
        sheet=params.sheet,
        skip_rows=params.skip_rows,
        decimal=params.decimal,
        date_order=params.date_order,
        text_columns=params.text_columns,
        column_types=params.column_types,
        ragged=params.ragged,
        null_texts=params.null_texts,
    )
