"""Every template as a Python program: executed by itself, it puts out what the run does."""

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.workflows import service
from backend.workflows.gallery import documents
from backend.workflows.interchange import Format, write
from graphs.artifacts import FolderArtifacts, FolderFiles
from graphs.compile import compile_definition
from graphs.events import AnswerSource, ApprovalAnswer, RunCompleted
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Services
from graphs.scope import RunControl
from graphs.step_context import StepContext
from graphs.validate import check_inputs
from tests.backend.test_errors import problem
from tests.exported import outputs_of

Client = httpx.AsyncClient
SAMPLES = Path(service.__file__).parent.parent / "workspaces" / "samples"
ANSWERS = {"sales-report": ("release", True)}
"""What is said to the one question that a template asks."""

VARYING = frozenset({"answered_at", "by", "source", "comment", "$artifact", "size_bytes"})
"""What is different from run to run, or depends on who answers."""


def steady(value: Any) -> Any:
    """The value without what varies."""
    if isinstance(value, dict):
        return {key: steady(part) for key, part in value.items() if key not in VARYING}
    return [steady(part) for part in value] if isinstance(value, list) else value


def workspace(folder: Path) -> Path:
    folder.mkdir()
    if SAMPLES.exists():
        shutil.copytree(SAMPLES, folder / "samples")
    return folder


@pytest.mark.parametrize("name", sorted(documents()))
async def test_a_template_runs_by_itself(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = service.template(name)
    node_id, answer = ANSWERS.get(name, ("", None))

    async def ask(self: StepContext, request: Any) -> ApprovalAnswer:
        return ApprovalAnswer(approval_id="a", answer=answer, source=AnswerSource.PERSON)

    monkeypatch.setattr(StepContext, "ask", ask)
    inputs, problems = check_inputs(document.definition.inputs, {})
    assert problems == []
    if name == "endpoint-check":
        inputs["urls"] = ["http://127.0.0.1:9/"]
    end = await run(
        compile_definition(document.definition),
        run_id="r",
        inputs=inputs,
        journal=MemoryJournal(),
        services=Services(
            allow_hosts=("127.0.0.1",),
            artifacts=FolderArtifacts(tmp_path / "artifacts"),
            files=FolderFiles(workspace(tmp_path / "files")),
        ),
        control=RunControl(),
    )
    assert isinstance(end, RunCompleted), end
    program = write(document, Format.PYTHON).decode()
    told = ("--answer", f"{node_id}=true") if node_id else ()
    printed = outputs_of(program, workspace(tmp_path / "alone"), inputs, *told)
    assert steady(printed) == steady(end.data.outputs)


async def test_the_api_gives_the_program_of_a_draft_or_a_version(client: Client) -> None:
    made = (await client.post("/api/v1/templates/first-steps/use")).json()
    url = f"/api/v1/workflows/{made['id']}"
    await client.post(f"{url}/versions", json={})
    for version in ({}, {"version": "1"}, {"version": "active"}):
        answer = await client.get(f"{url}/export", params={"format": "python", **version})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/x-python")
        assert 'filename="first-steps.py"' in answer.headers["content-disposition"]
        assert answer.text == write(service.template("first-steps"), Format.PYTHON).decode()


async def test_a_node_that_cannot_be_exported_is_named(client: Client) -> None:
    definition = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "other", "type": "workflow", "params": {"workflow_id": "x", "inputs": {}}},
        ],
        "edges": [{"id": "e", "source": "start", "target": "other"}],
    }
    body = {"name": "calls", "definition": definition, "validate": "none"}
    answer = await client.post("/api/v1/workflows", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    answer = await client.get(f"/api/v1/workflows/{made['id']}/export?format=python")
    told = problem(answer, 422)
    assert told["code"] == "export_unsupported"
    assert [error["node_id"] for error in told["errors"]] == ["other"]
    assert told["errors"][0]["pointer"] == "/definition/nodes/1"
