"""The node type `read_file`."""

import asyncio
from typing import Annotated

from msgspec import Meta

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.formats import FileFormat, format_of
from graphs.tables.node import TableNode, written_table
from graphs.tables.reading import Header, Reading, json_object, read_table, read_text


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
    delimiter: Annotated[
        str,
        Meta(
            title="Separator",
            description="Between the cells of a CSV file. Left empty: it is found out.",
            max_length=4,
            examples=[";"],
        ),
    ] = ""
    header: Annotated[
        Header,
        Meta(
            title="First row holds names",
            description="auto: it is found out (CSV and Excel).",
        ),
    ] = Header.AUTO
    skip_rows: Annotated[
        int,
        Meta(title="Skip rows", description="How many from the top (CSV and Excel).", ge=0),
    ] = 0
    sheet: Annotated[
        str,
        Meta(
            title="Sheet",
            description="Of an Excel workbook. Left empty: the first one.",
            max_length=100,
            examples=["Sales"],
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
            return Output({"text": await asyncio.to_thread(read_text, path, params.name)})
        if format is FileFormat.JSON:
            value = await asyncio.to_thread(json_object, path, params.name)
            if value is not None:
                return Output(value)
        reading = Reading(
            name=params.name,
            format=format,
            delimiter=params.delimiter,
            header=params.header,
            sheet=params.sheet,
            skip_rows=params.skip_rows,
        )
        target = ctx.services.artifacts.new_path(".parquet")
        artifact = await written_table(
            ctx, target, lambda work: read_table(work, path, reading, target), params.name
        )
        return Output(artifact.to_json())
