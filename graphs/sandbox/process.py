"""Starts the sandbox's process, feeds it, and ends it when it takes too much of anything.

What the process shuts itself into is in `graphs.sandbox.launcher`: no network, no files but
Python's own and an empty folder, no environment, no other programs or processes.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from graphs.errors import NodeError, NodeTimeoutError
from graphs.workers.slots import Slots

LAUNCHER = Path(__file__).with_name("launcher.py")
MAX_RESULT_BYTES = 16 * 1024 * 1024
MAX_SAID_BYTES = 64 * 1024
MAX_FILE_BYTES = 32 * 1024 * 1024
_CHUNK = 64 * 1024

MEMORY_MB = 4096
"""What all code of this server may take together, half of it for one owner's."""

LEAST_MB = 512
"""A process counts as no less, so that there are eight at most, and four of one owner."""

SLOTS = Slots(MEMORY_MB, MEMORY_MB // 2)


class Limits(Struct, frozen=True, kw_only=True):
    """What a piece of code may take; `time_ms` is both wall time and processor time."""

    time_ms: int
    memory_mb: int


class Task(Struct, frozen=True, kw_only=True):
    """The code and what it is given."""

    code: str
    prev: Any
    inputs: dict[str, Any]
    memory_bytes: int
    cpu_s: int
    file_bytes: int


class SandboxUnavailable(NodeError):
    """Code cannot be shut in on this machine, so it is not run at all."""

    code = "python_unavailable"


async def execute(
    code: str,
    prev: Any,
    inputs: dict[str, Any],
    limits: Limits,
    say: Callable[[str], None],
    owner: str = "",
) -> Any:
    """The code's result. `say` gets the lines it prints. Raises NodeError.

    Where too much is executed already, it waits; `owner` is whose turn it counts as.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(
            "the Python node needs Linux: elsewhere code cannot be kept from network and files",
            retryable=False,
        )
    task = Task(
        code=code,
        prev=prev,
        inputs=inputs,
        memory_bytes=limits.memory_mb * 1024 * 1024,
        cpu_s=-(-limits.time_ms // 1000),
        file_bytes=MAX_FILE_BYTES,
    )
    told = "waits for its turn: other code takes the memory that there is for Python"
    slot = await SLOTS.take(owner, max(limits.memory_mb, LEAST_MB), lambda: say(told))
    try:
        with tempfile.TemporaryDirectory(prefix="heddle-python-") as folder:
            answer, status = await _run(msgspec.json.encode(task), folder, limits, say)
    finally:
        SLOTS.give_back(slot)
    return _result(answer, status, limits)


async def _run(
    task: bytes, folder: str, limits: Limits, say: Callable[[str], None]
) -> tuple[bytes, int]:
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-B", str(LAUNCHER), str(writing)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={},
            pass_fds=(writing,),
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    assert process.stdin is not None
    assert process.stdout is not None
    answer = asyncio.StreamReader()
    saying = asyncio.create_task(_read(process.stdout, MAX_SAID_BYTES, cut=True))
    try:
        transport = await _opened(reading, answer)
        try:
            async with asyncio.timeout(limits.time_ms / 1000 + 1):
                _, said, result = await asyncio.gather(
                    _feed(process.stdin, task),
                    asyncio.shield(saying),
                    _read(answer, MAX_RESULT_BYTES),
                )
                status = await process.wait()
        finally:
            transport.close()
    except TimeoutError:
        raise NodeTimeoutError(
            f"the code took longer than its time limit of {limits.time_ms} ms", retryable=False
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # asyncio takes a process for ended only when its pipes have been read to their end
        await saying
        await process.wait()
    for line in said.decode(errors="replace").splitlines():
        say(line)
    return result, status


async def _opened(descriptor: int, reader: asyncio.StreamReader) -> asyncio.ReadTransport:
    loop = asyncio.get_running_loop()
    file = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return transport


async def _feed(stdin: asyncio.StreamWriter, task: bytes) -> None:
    # a process that is refused its namespaces ends before it has read everything
    with suppress(ConnectionError):
        stdin.write(task)
        await stdin.drain()
    stdin.close()


async def _read(stream: asyncio.StreamReader, limit: int, *, cut: bool = False) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := await stream.read(_CHUNK):
        size += len(chunk)
        if size <= limit:
            parts.append(chunk)
        elif not cut:
            raise NodeError(
                f"the result is larger than {limit // 1024 // 1024} MB; return less",
                code="output_too_large",
                retryable=False,
            )
    note = b"\n... the rest of what the code printed is left out" if size > limit else b""
    return b"".join(parts) + note


class _Answer(Struct, frozen=True):
    value: Any = None
    error: str | None = None
    code: str = "python_failed"
    closed: str | None = None


def _result(raw: bytes, status: int, limits: Limits) -> Any:
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if status in (0xFF & -signal.SIGKILL, 0xFF & -signal.SIGXCPU):
            raise NodeTimeoutError(
                f"the code took more processor time than its limit of {limits.time_ms} ms",
                retryable=False,
            ) from None
        raise NodeError(
            "the code's process ended without a result; it may have run out of memory "
            f"({limits.memory_mb} MB)",
            code="python_ended",
            retryable=False,
        ) from None
    if answer.closed is not None:
        raise SandboxUnavailable(
            f"the code is not run, because it cannot be shut in on this server: {answer.closed}; "
            "the operator must allow unprivileged user namespaces",
            retryable=False,
        )
    if answer.error is not None:
        raise NodeError(answer.error, code=answer.code, retryable=False)
    return answer.value
