"""Reads Server-Sent Events as a browser does."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
from msgspec import Struct


class Message(Struct):
    """One event of a stream; `id` is None where the server sent none."""

    event: str
    data: Any
    id: int | None


async def messages(response: httpx.Response) -> AsyncIterator[Message]:
    """The events of a response, comments left out."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif not line and "data" in fields:
            seq = fields.get("id")
            data = msgspec.json.decode(fields["data"])
            yield Message(fields.get("event", "message"), data, None if seq is None else int(seq))
            fields = {}
        elif not line:
            fields = {}
