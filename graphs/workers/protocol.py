"""What server and worker say to each other: frames of a kind, a length and their bytes.

A job is code, since it goes from the server to its worker. What comes back is data only, decoded
as the type that the server expects: a worker that was taken over cannot run code in the server.
"""

import struct
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

HEAD = struct.Struct("!BQ")


class Kind(IntEnum):
    """The first byte of a frame."""

    JOB = 1
    STOP = 2
    READY = 3
    ANSWER = 4
    FAILED = 5
    """The job raised an error that is meant for the analyst."""
    OUT_OF_MEMORY = 6
    BROKEN = 7
    """The job raised something else: a bug."""


class Failed(Struct, frozen=True):
    """A NodeError."""

    message: str
    code: str
    retryable: bool
    retry_after_ms: int | None = None


class Broken(Struct, frozen=True):
    """An exception that nobody expected; `trace` is for the log."""

    error: str
    trace: str


def frame(kind: Kind, body: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return HEAD.pack(kind, len(body)) + body


def encode(value: Any) -> bytes:
    """An answer as bytes."""
    return msgspec.json.encode(value, enc_hook=_plain)


def decode(raw: bytes | bytearray, type: Any) -> Any:
    """An answer of a declared type. Raises msgspec.DecodeError."""
    return _decoder(type).decode(raw)


@lru_cache(64)
def _decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type, dec_hook=_path)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a job cannot answer with {type(value).__name__}")


def _path(type: Any, value: Any) -> Any:
    if type is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{type} is not what a job answers with")
