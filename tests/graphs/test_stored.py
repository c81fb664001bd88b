"""Large outputs lie in artifacts; events hold references, and nodes see the whole values."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from graphs.artifacts import (
    INLINE_LIMIT_BYTES,
    Artifact,
    ArtifactKind,
    FolderArtifacts,
    artifact_of,
)
from graphs.definition import Node
from graphs.errors import NodeError
from graphs.events import RunCompleted, RunFailed, StepCompleted
from graphs.node_type import NodeContext, Services
from graphs.stored import PREVIEW_BYTES, load, preview, store
from tests.graphs.engine import Execution, Scripted, chain

ROWS = [{"n": n, "text": "x" * 100} for n in range(2_000)]


class Full(FolderArtifacts):
    """A store without any room left."""

    async def keep(self, path: Path, *args: Any, **kwargs: Any) -> Artifact:
        raise NodeError("there is no room left", code="quota_exceeded", retryable=False)


def found(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def drawn() -> Any:
    return chain(
        Node(id="x", type="x"),
        Node(id="y", type="template", params={"text": "{{ len(steps.x) }} {{ prev[1].n }}"}),
    )


async def test_events_hold_a_reference_and_nodes_the_value(tmp_path: Path) -> None:
    services = Services(artifacts=FolderArtifacts(tmp_path))
    execution = Execution(drawn(), Scripted("x", lambda ctx: ROWS), services=services)
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": {"text": "2000 1"}}
    event = next(event for event in execution.of(StepCompleted) if event.node_id == "x")
    artifact = artifact_of(event.data.output)
    assert artifact is not None
    assert artifact.kind is ArtifactKind.JSON
    assert event.data.size_bytes == artifact.size_bytes > INLINE_LIMIT_BYTES
    assert artifact.preview[0] == ROWS[0]
    assert len(msgspec.json.encode(event.data.output)) < 2 * PREVIEW_BYTES
    assert msgspec.json.decode((await services.artifacts.path(artifact.id)).read_bytes()) == ROWS


async def test_the_next_process_reads_the_value_again(tmp_path: Path) -> None:
    services = Services(artifacts=FolderArtifacts(tmp_path))
    first = Execution(drawn(), Scripted("x", lambda ctx: ROWS), services=services)
    await first.finish()
    cut = next(event.seq for event in first.of(StepCompleted) if event.node_id == "x")
    second = Execution(
        drawn(), Scripted("x", lambda ctx: 1 / 0), services=services, earlier=first.events[:cut]
    )
    end = await second.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": {"text": "2000 1"}}


async def test_a_value_that_is_gone_fails_the_run_that_needs_it(tmp_path: Path) -> None:
    services = Services(artifacts=FolderArtifacts(tmp_path))
    first = Execution(drawn(), Scripted("x", lambda ctx: ROWS), services=services)
    await first.finish()
    for path in found(tmp_path):
        path.unlink()
    cut = next(event.seq for event in first.of(StepCompleted) if event.node_id == "x")
    second = Execution(
        drawn(), Scripted("x", lambda ctx: 1), services=services, earlier=first.events[:cut]
    )
    end = await second.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "artifact_missing"


async def test_a_run_s_outputs_may_be_large_too(tmp_path: Path) -> None:
    services = Services(artifacts=FolderArtifacts(tmp_path))
    line = chain(Node(id="x", type="x"), Node(id="end", type="end"))
    one = await Execution(line, Scripted("x", lambda ctx: ROWS), services=services).finish()
    assert isinstance(one, RunCompleted)
    artifact = artifact_of(one.data.outputs)
    assert artifact is not None
    assert len(found(tmp_path)) == 2, "the end's own artifact is the run's"
    line = chain(Node(id="x", type="x"))
    two = await Execution(line, Scripted("x", lambda ctx: ROWS), services=services).finish()
    assert isinstance(two, RunCompleted)
    artifact = artifact_of(two.data.outputs)
    assert artifact is not None
    read = msgspec.json.decode((await services.artifacts.path(artifact.id)).read_bytes())
    assert read == {"x": ROWS}


async def test_over_the_quota_the_step_fails_and_says_so(tmp_path: Path) -> None:
    services = Services(artifacts=Full(tmp_path))
    end = await Execution(drawn(), Scripted("x", lambda ctx: ROWS), services=services).finish()
    assert isinstance(end, RunFailed)
    assert (end.data.error.code, end.data.error.node_id) == ("quota_exceeded", "x")


async def test_secrets_do_not_reach_artifacts(tmp_path: Path) -> None:
    def leak(ctx: NodeContext) -> Any:
        return [ctx.services.secrets["KEY"]] * 20_000

    services = Services(artifacts=FolderArtifacts(tmp_path), secrets={"KEY": "pass-word"})
    await Execution(chain(Node(id="x", type="x")), Scripted("x", leak), services=services).finish()
    paths = found(tmp_path)
    assert paths
    assert all(b"pass-word" not in path.read_bytes() for path in paths)


async def test_a_reference_that_a_node_puts_out_itself_stays_one(tmp_path: Path) -> None:
    reference = Artifact(
        id="t", kind=ArtifactKind.JSON, media_type="application/json", size_bytes=10**6
    ).to_json()
    store_ = FolderArtifacts(tmp_path)
    stored = await store(reference, store_, None, "x")
    assert await load(stored.kept, stored.size_bytes, store_) == reference


@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        ROWS,
        {f"k{n}": ROWS for n in range(100)},
        [[[[[["deep"] * 100] * 100]]]],
        {"a": "x" * 10_000, "b": [1, 2, 3]},
        [["y" * 5_000] * 50] * 50,
    ],
)
def test_previews_are_small_and_have_the_value_s_shape(value: Any) -> None:
    part = preview(value)
    assert type(part) is type(value)
    assert len(msgspec.json.encode(part)) <= PREVIEW_BYTES
