"""The file formats that tables and texts are read from and written to."""

from enum import StrEnum

from graphs.errors import NodeError


class FileFormat(StrEnum):
    """How a file is built; `auto` goes by the ending of its name."""

    AUTO = "auto"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"
    EXCEL = "xlsx"
    TEXT = "text"


MEDIA_TYPES = {
    FileFormat.CSV: "text/csv",
    FileFormat.TSV: "text/tab-separated-values",
    FileFormat.JSON: "application/json",
    FileFormat.JSON_LINES: "application/x-ndjson",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.TEXT: "text/plain",
}

_ENDINGS = {
    "csv": FileFormat.CSV,
    "tsv": FileFormat.TSV,
    "tab": FileFormat.TSV,
    "json": FileFormat.JSON,
    "geojson": FileFormat.JSON,
    "jsonl": FileFormat.JSON_LINES,
    "ndjson": FileFormat.JSON_LINES,
    "parquet": FileFormat.PARQUET,
    "xlsx": FileFormat.EXCEL,
    "xlsm": FileFormat.EXCEL,
    **dict.fromkeys(
        ("txt", "text", "md", "log", "html", "htm", "xml", "yaml", "yml", "sql"), FileFormat.TEXT
    ),
}

_OTHER_SHEETS = ("xls", "xlsb", "xlt", "ods", "numbers")


def format_of(name: str, given: FileFormat = FileFormat.AUTO) -> FileFormat:
    """The format given, or else that of the name's ending. Raises NodeError for an unknown one."""
    if given is not FileFormat.AUTO:
        return given
    ending = name.rpartition("/")[2].rpartition(".")[2].lower()
    found = _ENDINGS.get(ending)
    if found is None and ending in _OTHER_SHEETS:
        raise NodeError(
            f"{name!r}: files that end in .{ending} can be neither read nor written; save it as "
            ".xlsx or CSV",
            code="file_format_unknown",
            retryable=False,
        )
    if found is None:
        raise NodeError(
            f"the name {name!r} does not tell how the file is built; choose the format, or let it "
            f"end in one of: {', '.join(sorted(_ENDINGS))}",
            code="file_format_unknown",
            retryable=False,
        )
    return found
