"""A run can be shown on the drawing it was started with, whatever became of the draft."""

import pytest

from backend.errors import NotFound
from backend.runs import service
from backend.runs.schemas import StartRun
from backend.workflows import service as workflows
from graphs.definition import Definition, Edge, Node
from tests.backend.runs.conftest import Editor


def drawing(text: str) -> Definition:
    return Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="greet", type="set_fields", params={"fields": {"text": text}}),
        ],
        edges=[Edge(id="e1", source="start", target="greet")],
    )


async def test_definition_is_frozen_and_private(editor: Editor) -> None:
    workflow_id = await editor.publish(drawing("before"))
    run = await service.start_and_wait(editor.actor, workflow_id, StartRun(), 20)
    await workflows.put_draft(editor.actor, workflow_id, drawing("after"))

    assert await service.definition(editor.actor, run.id) == drawing("before")
    with pytest.raises(NotFound):
        await service.definition(Editor().actor, run.id)
