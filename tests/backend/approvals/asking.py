"""Drawings that ask, and short ways to their questions."""

import asyncio
from typing import Any

import msgspec

from backend.actor import Actor, Role
from backend.approvals import service as approvals
from backend.approvals.schemas import ApprovalStatus, ApprovalView
from backend.approvals.service import ApprovalFilter
from backend.pagination import PageRequest
from backend.runs import service as runs
from backend.runs.schemas import RunView, StartRun
from graphs.definition import Body, Definition, Edge, Node, OnError
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import CITY, edge, node

OPTIONS = [{"value": "ship", "label": "Ship it"}, {"value": "wait"}]
FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 1},
        "currency": {"type": "string", "default": "EUR"},
        "to": {
            "type": "object",
            "properties": {"iban": {"type": "string", "minLength": 5}},
            "required": ["iban"],
        },
    },
    "required": ["amount", "to"],
}


def question(**params: Any) -> Node:
    message = "Go on with {{ input.city }}?"
    return Node(id="ask", type="approval", params={"message": message, **params})


def asking(*ports: str, on_error: OnError = OnError.FAIL, **params: Any) -> Definition:
    """start → ask, and from each of its ports a node of the port's name."""
    nodes = [
        Node(id="start", type="start"),
        msgspec.structs.replace(question(**params), on_error=on_error),
        *(node(f"on_{port}", "set_fields", fields={"at": port}) for port in ports),
    ]
    edges: list[Edge] = [
        edge("start", "ask"),
        *(edge("ask", f"on_{port}", port) for port in ports),
    ]
    return Definition(inputs=CITY, nodes=nodes, edges=edges)


def in_a_loop() -> Definition:
    """Asks about each of three items at once; the answers of all are the loop's output."""
    body = Body(
        nodes=[question(message="{{ item }}?", kind="text")],
        edges=[],
    )
    loop = Node(
        id="loop",
        type="for_each",
        params={"items": "{{ ['a', 'b', 'c'] }}", "max_concurrency": 3},
        body=body,
    )
    nodes = [Node(id="start", type="start"), loop]
    return Definition(inputs=CITY, nodes=nodes, edges=[edge("start", "loop")])


def beside_work() -> Definition:
    """A question, and a branch that works meanwhile."""
    nodes = [
        Node(id="start", type="start"),
        question(),
        node("on_yes", "set_fields", fields={"at": "yes"}),
        node("pause", "wait", duration_ms=30),
        node("work", "set_fields", fields={"done": True}),
    ]
    edges = [
        edge("start", "ask"),
        edge("ask", "on_yes", "yes"),
        edge("start", "pause"),
        edge("pause", "work"),
    ]
    return Definition(inputs=CITY, nodes=nodes, edges=edges)


def member(editor: Editor, username: str, role: Role) -> Actor:
    """Another user of the editor's tenant."""
    return Actor(username, username, editor.actor.tenant_id, role)


async def started(editor: Editor, definition: Definition, **request: Any) -> RunView:
    """A run that has begun."""
    workflow_id = await editor.publish(definition)
    return await runs.start(editor.actor, workflow_id, StartRun(**request))


async def open_questions(actor: Actor, run_id: str, count: int = 1) -> list[ApprovalView]:
    """The open questions of a run once there are so many, the oldest first."""
    filters = ApprovalFilter(status=ApprovalStatus.OPEN, run_id=run_id)
    for _ in range(1000):
        found = await approvals.list_approvals(actor, filters, PageRequest(sort="created_at"))
        if found.total >= count:
            return found.items
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {count} open questions")


async def question_of(editor: Editor, definition: Definition, **request: Any) -> ApprovalView:
    """The open question of a new run."""
    run = await started(editor, definition, **request)
    return (await open_questions(editor.actor, run.id))[0]


async def until_status(editor: Editor, run_id: str, status: str) -> RunView:
    """The run once it has the status."""
    for _ in range(1000):
        run = await runs.get(editor.actor, run_id)
        if run.status == status:
            return run
        await asyncio.sleep(0.01)
    raise AssertionError(f"the run is {run.status}, never {status}")


async def until_ended(editor: Editor, run_id: str) -> RunView:
    """The run once it has ended."""
    for _ in range(2000):
        run = await runs.get(editor.actor, run_id)
        if run.status.ended:
            return run
        await asyncio.sleep(0.01)
    raise AssertionError(f"the run never ends: it is {run.status}")
