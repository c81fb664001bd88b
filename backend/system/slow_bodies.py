"""Gives up on request bodies that trickle in: each must arrive in time for its size so far."""

import asyncio
import time

from litestar.types import Receive
from litestar.types.asgi_types import ReceiveMessage

from backend.errors import RequestTimeout

GRACE_S = 30.0
"""How long any body may take."""
LEAST_BYTES_PER_S = 1024
"""What a body that takes longer must have brought in all its time."""


def in_time(receive: Receive, grace_s: float = GRACE_S) -> Receive:
    """The same messages. Raises RequestTimeout once a body is slower than allowed."""
    began = time.monotonic()
    arrived = 0
    complete = False

    async def next_message() -> ReceiveMessage:
        nonlocal arrived, complete
        if complete:
            return await receive()
        left_s = began + grace_s + arrived / LEAST_BYTES_PER_S - time.monotonic()
        try:
            async with asyncio.timeout(max(left_s, 0)):
                message = await receive()
        except TimeoutError:
            raise RequestTimeout from None
        if message["type"] == "http.request":
            arrived += len(message["body"])
            complete = not message["more_body"]
        else:
            complete = True
        return message

    return next_message
