"""What the tests of node types share: a context to run in and servers on this machine."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from graphs.artifacts import FolderArtifacts, FolderFiles
from graphs.errors import NodeError
from graphs.events import ApprovalAnswer, ApprovalRequest, Usage, now
from graphs.masking import masker_of
from graphs.node_type import NodeContext, NodeType, Output, Services
from graphs.params import compile_params, convert_params
from graphs.registry import registry


class FakeContext:
    """A NodeContext that remembers what a node said."""

    run_id = "run-1"
    node_id = "node"
    step_id = "step-1"
    attempt = 1

    def __init__(self) -> None:
        self.started_at = now()
        self.inputs: Mapping[str, Any] = {}
        self.steps: Mapping[str, Any] = {}
        self.prev: Any = None
        self.services = Services(allow_hosts=("127.0.0.1",))
        self.logs: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.started: list[str] = []
        self.completed: list[tuple[str, Usage]] = []
        self.body: Callable[[Any, int], Awaitable[Any]] | None = None
        self.lazy: Callable[[str, Any, int], Any] = lambda field, item, index: None
        self.mock = False
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.workflow_outputs: Any = None
        self.inner: list[tuple[str, int]] = []
        self.asked: list[ApprovalRequest] = []
        self.answer: ApprovalAnswer | None = None
        self.waited_until: list[datetime] = []

    @property
    def idempotency_key(self) -> str:
        return f"{self.run_id}:{self.node_id}"

    def log(self, message: str, level: str = "info") -> None:
        self.logs.append((level, message))

    def mask(self, text: str) -> str:
        return masker_of(tuple(self.services.secrets.values())).text(text)

    def llm_started(self, model: str) -> None:
        self.started.append(model)

    def token(self, text: str) -> None:
        self.tokens.append(text)

    def llm_completed(self, model: str, usage: Usage, duration_ms: int) -> None:
        assert duration_ms >= 0
        self.completed.append((model, usage))

    async def run_body(self, item: Any, index: int) -> Any:
        assert self.body is not None
        return await self.body(item, index)

    def evaluate(self, field: str, item: Any, index: int) -> Any:
        return self.lazy(field, item, index)

    async def run_workflow(self, reference: str, inputs: Mapping[str, Any]) -> Any:
        self.called.append((reference, dict(inputs)))
        return self.workflow_outputs

    async def inner_step(
        self, name: str, visit: int, arrived: Any, run: Callable[[NodeContext], Awaitable[Any]]
    ) -> Any:
        self.inner.append((name, visit))
        return await run(self)

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        self.asked.append(request)
        assert self.answer is not None
        return self.answer

    async def wait_until(self, moment: datetime) -> None:
        self.waited_until.append(moment)


@pytest.fixture
def ctx() -> FakeContext:
    return FakeContext()


async def execute(type_name: str, params: dict[str, Any], ctx: FakeContext) -> Output:
    """Run a node of that type as the engine does: resolve the params, convert them, run."""
    kind: NodeType[Any] = registry()[type_name]
    context: NodeContext = ctx
    names = {"input": ctx.inputs, "prev": ctx.prev, "secrets": {"KEY": "s3cret"}}
    return await kind.run(
        convert_params(kind, compile_params(kind, params).resolve(names)), context
    )


async def failure(type_name: str, params: dict[str, Any], ctx: FakeContext) -> NodeError:
    """The error with which a node of that type fails."""
    with pytest.raises(NodeError) as caught:
        await execute(type_name, params, ctx)
    return caught.value


class Received(Struct):
    """A request as the test server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Reply(Struct):
    """What the test server answers; `chunks` are sent one by one with `pause_s` between them."""

    status: int = 200
    headers: dict[str, str] = {}
    chunks: list[bytes] = []
    pause_s: float = 0


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON."""
    return Reply(
        status, {"content-type": "application/json", **headers}, [json.dumps(value).encode()]
    )


class Server:
    """A small HTTP/1.1 server on a free port of the loopback interface."""

    def __init__(self, answer: Callable[[Received], Reply]) -> None:
        self.received: list[Received] = []
        self.port = 0
        self._answer = answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.received.append(Received(method, target, headers, body))
            reply = self._answer(self.received[-1])
            lines = [f"HTTP/1.1 {reply.status} Answer", "connection: close"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            for chunk in reply.chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(reply.pause_s)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: Callable[[Received], Reply]) -> AsyncIterator[Server]:
    """A server that answers every request with what the function returns."""
    server = Server(answer)
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


@pytest.fixture
def table_ctx(tmp_path: Path) -> FakeContext:
    """A context with a store for artifacts and a workspace, `tmp_path / "files"`."""
    files = tmp_path / "files"
    files.mkdir()
    context = FakeContext()
    store = FolderArtifacts(tmp_path / "artifacts")
    context.services = Services(artifacts=store, files=FolderFiles(files))
    return context


async def table(type_name: str, params: dict[str, Any], ctx: FakeContext) -> list[dict[str, Any]]:
    """The rows of the table that a node puts out, at most twenty."""
    value = (await execute(type_name, params, ctx)).value
    assert value["kind"] == "table"
    assert value["row_count"] >= len(value["preview"])
    assert not list(ctx.services.artifacts.new_path("").parent.glob("*.work")), "left over"
    return value["preview"]
