"""The node type `write_file`."""

import asyncio
import base64
import binascii
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from graphs.artifacts import ArtifactKind, ArtifactStore, artifact_of
from graphs.errors import NodeError
from graphs.language.values import as_text
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.tables.formats import FileFormat, format_of
from graphs.tables.picture import PictureFormat, is_chart, picture
from graphs.tables.sources import given_table, is_table, open_tables
from graphs.tables.work import Work, run_work
from graphs.tables.writing import write_table

_VALUES = (FileFormat.JSON, FileFormat.TEXT)
_LINES = (FileFormat.CSV, FileFormat.TSV, FileFormat.JSON_LINES)
"""What a text may already be written as."""


class WriteFileParams(Params, frozen=True):
    name: Annotated[
        str,
        Meta(
            title="File",
            description="Its name in the workspace; a file of that name is replaced.",
            min_length=1,
            max_length=1000,
            examples=["result.xlsx", "reports/{{ input.month }}.csv", "revenue.png"],
            extra_json_schema={"x-widget": "file", "x-writes": True},
        ),
    ]
    content: Annotated[
        Any,
        Meta(
            title="Content",
            description=(
                "A table, a list of objects, a text, a file or any value; of a chart, a picture is "
                'made, and {"base64": …} is written as its bytes. Left empty: what arrives.'
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
    """Writes a table, a text, a value, a file or a chart to the workspace, all of it or none.

    A file, such as what `http_request` has downloaded, is written as it is, whatever its name.
    """

    name = "write_file"
    title = "Write file"
    category = Category.TABLES
    icon = "save"
    keywords = ("export", "save", "csv", "excel", "download")
    params_type = WriteFileParams

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return params.get("content") in (None, "")

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
            rows = await _write(content, params, path, ctx)
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


async def _write(content: Any, params: WriteFileParams, path: Path, ctx: NodeContext) -> int | None:
    """Write the content to a path; returns the number of rows of a table."""
    store = ctx.services.artifacts
    if await _write_bytes(content, path, store):
        return None
    if is_chart(content):
        ending = params.name.rpartition(".")[2].lower()
        if params.format is FileFormat.AUTO and ending in tuple(PictureFormat):
            title = str(content.get("title", ""))
            owner = ctx.services.owner
            made = await picture(content["spec"], PictureFormat(ending), title, owner, say=ctx.log)
            await asyncio.to_thread(path.write_bytes, made)
            return None
    format = format_of(params.name, params.format)
    objects = _objects(content)
    if objects is not None and format in (FileFormat.JSON, FileFormat.JSON_LINES):
        await asyncio.to_thread(_write_objects, objects, path, format)
        return len(objects)
    if format in _VALUES and not (is_table(content) and format is FileFormat.JSON):
        await asyncio.to_thread(_write_value, content, path, format)
        return None
    if isinstance(content, str) and format in _LINES:
        await asyncio.to_thread(path.write_text, content, encoding="utf-8", newline="")
        return None
    table = await given_table(store, content, "the content")

    def job(work: Work) -> int:
        connection, relations = open_tables(work, {"input": table}, [path])
        relation = relations["input"]
        return write_table(
            work, connection, relation.scan, relation.columns, path, format, Path(params.name).stem
        )

    return await run_work(store.new_path(".work"), job, say=ctx.log)


async def _write_bytes(content: Any, path: Path, store: ArtifactStore) -> bool:
    """Write a file that another step put out, or base64; False when the content is neither."""
    if not isinstance(content, dict):
        return False
    fields = cast("dict[str, Any]", content)
    artifact = artifact_of(fields)
    if artifact is None and fields.keys() == {"status", "headers", "body"}:
        artifact = artifact_of(fields["body"])  # a whole HTTP answer, as it arrives
    if artifact is not None and artifact.kind is ArtifactKind.FILE:
        await asyncio.to_thread(shutil.copyfile, await store.path(artifact.id), path)
        return True
    if fields.keys() != {"base64"}:
        return False
    try:
        raw = base64.b64decode("".join(str(fields["base64"]).split()), validate=True)
    except (binascii.Error, ValueError):
        raise NodeError(
            "the content's base64 cannot be read: it holds other characters or is cut off",
            code="file_unreadable",
            retryable=False,
        ) from None
    await asyncio.to_thread(path.write_bytes, raw)
    return True


def _objects(content: Any) -> list[dict[str, Any]] | None:
    """A list of objects, which JSON keeps as it is; a table's columns would have one type each."""
    if not isinstance(content, list):
        return None
    rows = cast("list[Any]", content)
    return rows if all(isinstance(row, dict) for row in rows) else None


def _write_objects(rows: list[dict[str, Any]], path: Path, format: FileFormat) -> None:
    if format is FileFormat.JSON:
        _write_value(rows, path, format)
    else:
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _write_value(content: Any, path: Path, format: FileFormat) -> None:
    if format is FileFormat.TEXT:
        path.write_text(as_text(content), encoding="utf-8")
    else:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
