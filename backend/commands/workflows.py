"""`heddle workflow …`: import and export documents, and run one without a server."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from uuid_utils.compat import uuid7

from backend.accounts import service as accounts
from backend.commands.questions import until_it_goes_on
from backend.commands.serving import say
from backend.database import close_database, open_database
from backend.errors import FieldError, Invalid
from backend.settings import Settings
from backend.workflows import service as workflows
from backend.workflows.interchange import Document, Format, read, write
from backend.workflows.parameters import selector
from backend.workflows.schemas import WorkflowView
from graphs.artifacts import FolderFiles
from graphs.events import (
    Failure,
    LlmToken,
    Log,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunPaused,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepRetrying,
    StepSkipped,
    kind_of,
)
from graphs.memory import MemoryJournal
from graphs.node_type import Defect, Services
from graphs.scope import RunControl
from graphs.validate import check_inputs

_SHOWN = 200

T = TypeVar("T")


def import_file(settings: Settings, arguments: Namespace) -> int:
    """Store a document as a new workflow of the default tenant."""
    document = _document(arguments.file)

    async def work() -> WorkflowView:
        await open_database(settings)
        return await workflows.import_document(await accounts.operator(), document)

    view = _with_database(work())
    say(f"Imported {view.name!r} as {view.slug} ({view.id}).")
    return 0


def export(settings: Settings, arguments: Namespace) -> int:
    """Write a workflow's draft, or a version of it, to a file or to standard output."""
    target: Path | None = arguments.output
    formats = {
        ".json": Format.JSON,
        ".yaml": Format.YAML,
        ".yml": Format.YAML,
        ".py": Format.PYTHON,
    }
    suffix = target.suffix if target else ""
    format = formats.get(suffix, Format(arguments.format))
    wanted = selector(arguments.version, "version")

    async def work() -> Document:
        await open_database(settings)
        return await workflows.export(await accounts.operator(), arguments.workflow, wanted)

    text = write(_with_database(work()), format).decode()
    if target is None:
        sys.stdout.write(text)
    else:
        target.write_text(text)
    return 0


def run(settings: Settings, arguments: Namespace) -> int:
    """Execute a document here and now, print its events, and exit with 1 unless it completes."""
    return asyncio.run(_run(settings, _document(arguments.file), _inputs(arguments.input)))


def _with_database(work: Coroutine[Any, Any, T]) -> T:
    async def run_it() -> T:
        try:
            return await work
        finally:
            await close_database()

    return asyncio.run(run_it())


def _document(path: Path) -> Document:
    format = Format.YAML if path.suffix in (".yaml", ".yml") else Format.JSON
    return read(path.read_bytes(), format, default_name=path.stem)


def _inputs(pairs: list[str]) -> dict[str, Any]:
    """`--input name=value`: the value is JSON if it can be read as such, otherwise text."""
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, raw = pair.partition("=")
        if not equals or not name:
            raise Invalid(f"--input takes name=value, not {pair!r}.")
        try:
            inputs[name] = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            inputs[name] = raw
    return inputs


async def _run(settings: Settings, document: Document, given: dict[str, Any]) -> int:
    # LangGraph takes a second to import; no other command needs it.
    from graphs.compile import compile_definition
    from graphs.execute import run as execute

    graph = compile_definition(document.definition)
    inputs, problems = check_inputs(document.definition.inputs, given)
    if problems:
        errors = [FieldError(f"/inputs{p.pointer}", p.code, p.detail) for p in problems]
        raise Invalid("The inputs do not fit the workflow.", errors=errors)
    journal = MemoryJournal(watch=_print)
    run_id = str(uuid7())
    services = Services(
        allow_hosts=settings.allow_hosts,
        secrets=settings.secrets,
        files=FolderFiles(Path.cwd()),
        on_defect=_tell_defect,
    )
    while True:
        end = await execute(
            graph,
            run_id=run_id,
            inputs=inputs,
            journal=journal,
            services=services,
            control=RunControl(),
        )
        if not isinstance(end, RunPaused):
            return 0 if isinstance(end, RunCompleted) else 1
        await until_it_goes_on(end, journal)
        await journal.reload()


def _tell_defect(defect: Defect) -> None:
    """Here standard error is the log that the step's error speaks of."""
    sys.stderr.write(f"heddle: defect {defect.reference} at {defect.node_id}\n{defect.trace}")
    sys.stderr.flush()


def _print(event: RunEvent) -> None:
    if isinstance(event, LlmToken):
        return
    where = ""
    if isinstance(event, StepEvent):
        where = f" {event.path}/{event.node_id}" if event.path else f" {event.node_id}"
    detail = _detail(event)
    say(f"{event.seq or '':>4} {kind_of(event):<16}{where}{f': {detail}' if detail else ''}")


def _detail(event: RunEvent) -> str:
    match event:
        case StepCompleted():
            return _short(event.data.output)
        case RunCompleted():
            return msgspec.json.encode(event.data.outputs).decode()
        case StepFailed() | StepRetrying() | RunFailed():
            return _failure(event.data.error)
        case StepSkipped():
            return event.data.reason
        case Log():
            return event.data.message
        case _:
            return ""


def _failure(error: Failure) -> str:
    return f"{error.code}: {error.message}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
