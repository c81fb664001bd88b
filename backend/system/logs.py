"""Sets structured logging up: JSON lines, or colours on a terminal; never bodies or secrets."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

_CHATTY = ("httpx", "httpcore", "asyncio", "aiosqlite", "uvicorn.access", "uvicorn.error")


class _Lossy:
    """A stream that loses what cannot be written: a full disk must not end what is being logged."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Send our events and the standard library's records, from `level` on, to stderr."""
    out = cast("TextIO", _Lossy(stream or sys.stderr))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = out.isatty()
    final: list[structlog.typing.Processor] = (
        # Its usual tracebacks show local variables, and with them bodies and secrets.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
