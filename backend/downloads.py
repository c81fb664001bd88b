"""Sends files: whole or a range of them, in pieces, always as a download."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from litestar.response import Stream

from backend.errors import RangeNotSatisfiable

CHUNK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def download(
    path: Path,
    *,
    name: str,
    media_type: str,
    tag: str,
    range_header: str | None = None,
    if_range: str | None = None,
    ranges: bool = True,
) -> Stream:
    """The answer with a file, which may be deleted as soon as this has returned.

    Several ranges at once get the whole file. Raises RangeNotSatisfiable.
    """
    size = path.stat().st_size
    etag = f'"{tag}"'
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-cache",
        "ETag": etag,
    }
    start, end, status = 0, size, 200
    if ranges:
        headers["Accept-Ranges"] = "bytes"
        if range_header is not None and if_range in (None, etag):
            found = _range(range_header, size)
            if found is not None:
                start, end, status = *found, 206
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    file = path.open("rb")
    return Stream(
        _pieces(file, start, end - start),
        status_code=status,
        headers=headers,
        media_type=media_type,
    )


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None when the header is to be ignored."""
    found = _RANGE.fullmatch(header.strip().replace(" ", ""))
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        )
    return start, end


async def _pieces(file: BinaryIO, start: int, length: int) -> AsyncIterator[bytes]:
    try:
        await asyncio.to_thread(file.seek, start)
        while length > 0:
            piece = await asyncio.to_thread(file.read, min(CHUNK_BYTES, length))
            if not piece:
                return
            length -= len(piece)
            yield piece
    finally:
        file.close()
