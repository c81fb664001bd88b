"""Unpacks compressed HTTP bodies in small pieces, and gives up what swells beyond all measure.

httpx inflates a whole piece at once: 5 KB of twice-packed zeros would become gigabytes before
anybody could count them. Here no step makes more than about 8 MiB, and the event loop breathes in
between.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from typing import Any, Protocol

import zstandard

from graphs.errors import NodeError

PIECE_BYTES = 64 * 1024
BREATH_BYTES = 1024 * 1024
"""Others get their turn after so many unpacked bytes."""

UNSUSPICIOUS_BYTES = 8 * 1024 * 1024
MAX_RATIO = 250
"""Beyond `UNSUSPICIOUS_BYTES`, nothing may become larger than so many times what was sent."""

MAX_TOTAL_BYTES = 4 * 1024 * 1024 * 1024
MAX_LAYERS = 3
MAX_MEMBERS = 1000
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
"""What RFC 9659 lets a sender ask for."""

SUPPORTED = frozenset({"gzip", "x-gzip", "deflate", "zstd"})
UNSUPPORTED = frozenset({"br", "compress", "x-compress", "dcb", "dcz"})


class AnswerTooLarge(NodeError):
    """An answer is larger than may be taken in."""

    code = "response_too_large"

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class AnswerDamaged(NodeError):
    """An answer is not packed in the way that its header says."""

    code = "response_invalid"


class _Layer(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]:
        """The unpacked bytes in pieces. Raises zlib.error, zstandard.ZstdError."""
        ...

    def complete(self) -> bool:
        """Whether the packed data have come to their end."""
        ...


def codings(header: str) -> tuple[str, ...]:
    """The compressions of a Content-Encoding header, in the order in which they were applied.

    Raises AnswerDamaged for one that cannot be undone here, and for too many of them.
    """
    names = [name.strip().lower() for name in header.split(",")]
    unknown = next((name for name in names if name in UNSUPPORTED), None)
    if unknown is not None:
        raise AnswerDamaged(
            f"the answer is packed with {unknown!r}, which was not asked for and cannot be "
            "unpacked here; set the header Accept-Encoding to gzip or to identity, and if the "
            "server heeds neither, tell whoever runs it",
            retryable=False,
        )
    found = tuple(name for name in names if name in SUPPORTED)
    if len(found) > MAX_LAYERS:
        raise AnswerTooLarge(
            f"the answer is packed {len(found)} times over; at most {MAX_LAYERS} are unpacked"
        )
    return found


async def unpacked(packed: AsyncIterable[bytes], names: tuple[str, ...]) -> AsyncGenerator[bytes]:
    """A body with its compressions undone, in pieces.

    Raises AnswerTooLarge for what swells out of proportion, AnswerDamaged for broken data.
    """
    chain = _Chain(names)
    breath = 0
    async for part in packed:
        chain.received += len(part)
        try:
            for piece in chain.feed(part):
                breath += len(piece)
                if piece:
                    yield piece
                if breath > BREATH_BYTES:
                    breath = 0
                    await asyncio.sleep(0)
        except (zlib.error, zstandard.ZstdError) as error:
            raise AnswerDamaged(
                f"the answer cannot be unpacked: its header says {', '.join(names)} ({error})"
            ) from None
    if chain.received and not chain.complete():
        raise AnswerDamaged(f"the answer ends in the middle of its {', '.join(names)} data")


class _Chain:
    def __init__(self, names: tuple[str, ...]) -> None:
        self.received = 0
        self._layers = [_layer(name) for name in reversed(names)]
        self._made = [0] * len(names)

    def feed(self, data: bytes, depth: int = 0) -> Iterator[bytes]:
        """Pieces of what is unpacked; an empty one now and then where nothing comes of much."""
        if depth == len(self._layers):
            yield data
            return
        for piece in self._layers[depth].feed(data):
            self._count(depth, len(piece))
            yield from self.feed(piece, depth + 1)

    def complete(self) -> bool:
        return all(layer.complete() for layer in self._layers)

    def _count(self, depth: int, size: int) -> None:
        self._made[depth] += size
        made = self._made[depth]
        if made > MAX_TOTAL_BYTES or (
            made > UNSUSPICIOUS_BYTES and made > MAX_RATIO * self.received
        ):
            raise AnswerTooLarge(
                f"the answer swells from {self.received:,} to more than {made:,} bytes when it is "
                f"unpacked; at most {MAX_RATIO} times its size is taken"
            )


def _layer(name: str) -> _Layer:
    if name == "zstd":
        return _Zstd()
    return _Zlib(gzip=name != "deflate")


class _Zlib:
    SLICE_BYTES = 4096

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._members = 0
        self._begun: bytes | None = b""
        self._inflate = self._new()

    def _new(self) -> Any:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise AnswerTooLarge(f"the answer is packed in more than {MAX_MEMBERS:,} parts")
        return zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), self.SLICE_BYTES):
            yield from self._slice(data[at : at + self.SLICE_BYTES])

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                if not self._gzip or not data.strip(b"\0"):
                    return  # padding after the end
                self._inflate = self._new()
            yield self._step(data)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
        while not self._inflate.eof and (more := self._inflate.decompress(b"", PIECE_BYTES)):
            yield more

    def _step(self, data: bytes) -> bytes:
        if self._gzip or self._begun is None:
            return self._inflate.decompress(data, PIECE_BYTES)
        begun = self._begun + data
        try:
            made = self._inflate.decompress(data, PIECE_BYTES)
        except zlib.error:
            # many servers send deflate without zlib's frame
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            made = self._inflate.decompress(begun, PIECE_BYTES)
        self._begun = None if len(begun) > 1 else begun
        return made

    def complete(self) -> bool:
        return self._inflate.eof


class _Zstd:
    SLICE_BYTES = 256
    """At most 64 blocks of 128 KiB come out of it."""

    def __init__(self) -> None:
        self._inflate = self._new()
        self._members = 0

    def _new(self) -> Any:
        return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), self.SLICE_BYTES):
            part = data[at : at + self.SLICE_BYTES]
            while part:
                if self._inflate.eof:
                    self._members += 1
                    if self._members > MAX_MEMBERS:
                        raise AnswerTooLarge(
                            f"the answer is packed in more than {MAX_MEMBERS:,} parts"
                        )
                    self._inflate = self._new()
                yield self._inflate.decompress(part)
                part = self._inflate.unused_data if self._inflate.eof else b""

    def complete(self) -> bool:
        return self._inflate.eof
