"""The node type `write_file`."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from graphs.artifacts import ArtifactStore, artifact_of
from graphs.errors import NodeError
from graphs.language.values import as_text
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.tables.formats import FileFormat, format_of
from graphs.tables.picture import PictureFormat, is_chart, picture
from graphs.tables.sources import given_table, is_table, open_tables
from graphs.tables.work import Work, run_work
from graphs.tables.writing import write_table

_VALUES = (FileFormat.JSON, FileFormat.TEXT)


class WriteFileParams(Params, frozen=True):
    name: Annotated[
        str,
        Meta(
            title="File",
            description="Its name in the workspace; a file of that name is replaced.",
            min_length=1,
            max_length=1000,
            examples=["result.xlsx", "reports/{{ input.month }}.csv", "revenue.png"],
            extra_json_schema={"x-widget": "file"},
        ),
    ]
    content: Annotated[
        Any,
        Meta(
            title="Content",
            description=(
                "A table, a list of objects, a text or any value; of a chart, a picture is made. "
                "Left empty: what arrives."
            ),
            examples=["{{ steps.group }}", "Dear {{ input.name }}, …"],
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ prev }}"},
        ),
    ] = None
    format: Annotated[
        FileFormat,
        Meta(
            title="Format",
            description="auto: by the ending of the name; .svg and .png for charts.",
        ),
    ] = FileFormat.AUTO


class WriteFile(NodeType[WriteFileParams]):
    """Writes a table, a text, a value or a chart to a file of the workspace, all of it or none."""

    name = "write_file"
    title = "Write file"
    category = Category.TABLES
    icon = "save"
    keywords = ("export", "save", "csv", "excel", "download")
    params_type = WriteFileParams

    async def run(self, params: WriteFileParams, ctx: NodeContext) -> Output:
        files = ctx.services.files
        if files is None:
            raise NodeError(
                "this run has no workspace to write files to",
                code="files_unavailable",
                retryable=False,
            )
        store = ctx.services.artifacts
        content = _content(params, ctx)
        path = store.new_path(Path(params.name).suffix[:10] or ".out")
        try:
            rows = await _write(content, params, path, store)
            size = await files.save(params.name, path)
        finally:
            path.unlink(missing_ok=True)
        return Output({"name": params.name, "size_bytes": size, "rows": rows})

    async def mock(self, params: WriteFileParams, ctx: NodeContext) -> Output:
        content = _content(params, ctx)
        artifact = artifact_of(content)
        rows = len(cast("list[Any]", content)) if isinstance(content, list) else None
        if artifact is not None:
            rows = artifact.row_count
        ctx.log(f"nothing is written in mock mode; {params.name!r} stays as it is")
        return Output({"name": params.name, "size_bytes": 0, "rows": rows})


def _content(params: WriteFileParams, ctx: NodeContext) -> Any:
    return ctx.prev if params.content is None or params.content == "" else params.content


async def _write(
    content: Any, params: WriteFileParams, path: Path, store: ArtifactStore
) -> int | None:
    """Write the content to a path; returns the number of rows of a table."""
    if is_chart(content):
        ending = params.name.rpartition(".")[2].lower()
        if params.format is FileFormat.AUTO and ending in tuple(PictureFormat):
            made = await picture(
                content["spec"], PictureFormat(ending), str(content.get("title", ""))
            )
            await asyncio.to_thread(path.write_bytes, made)
            return None
    format = format_of(params.name, params.format)
    if format in _VALUES and not (is_table(content) and format is FileFormat.JSON):
        await asyncio.to_thread(_write_value, content, path, format)
        return None
    table = await given_table(store, content, "the content")

    def job(work: Work) -> int:
        connection, relations = open_tables(work, {"input": table}, [path])
        relation = relations["input"]
        return write_table(
            work, connection, relation.scan, relation.columns, path, format, Path(params.name).stem
        )

    return await run_work(store.new_path(".work"), job)


def _write_value(content: Any, path: Path, format: FileFormat) -> None:
    if format is FileFormat.TEXT:
        path.write_text(as_text(content), encoding="utf-8")
    else:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
