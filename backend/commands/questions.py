"""Asks at the terminal what a run without a server asks people."""

import asyncio
import getpass
import sys
from typing import Any

import msgspec

from backend.commands.serving import say
from backend.errors import Invalid
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalRequest,
    ApprovalRequested,
    RunPaused,
    now,
)
from graphs.json_schema import violations
from graphs.memory import MemoryJournal


async def until_it_goes_on(pause: RunPaused, journal: MemoryJournal) -> None:
    """Ask whoever sits at the terminal what the run asks, or wait until it goes on by itself."""
    answered = {event.step_id for event in journal.events if isinstance(event, ApprovalAnswered)}
    open_questions = [
        event
        for event in journal.events
        if isinstance(event, ApprovalRequested) and event.step_id not in answered
    ]
    for question in open_questions:
        answer = ApprovalAnswer(
            approval_id=question.data.approval_id,
            source=AnswerSource.PERSON,
            answer=await asyncio.to_thread(_ask, question.data),
            by=getpass.getuser(),
            answered_at=now(),
        )
        journal.append(
            ApprovalAnswered(
                run_id=question.run_id,
                node_id=question.node_id,
                step_id=question.step_id,
                path=question.path,
                attempt=question.attempt,
                data=answer,
            )
        )
    if not open_questions and pause.data.wake_at is not None:
        await asyncio.sleep(max((pause.data.wake_at - now()).total_seconds(), 0))


def _ask(request: ApprovalRequest) -> Any:
    """The answer typed at the terminal, once it fits. Raises Invalid where nobody can type."""
    if not sys.stdin.isatty():
        raise Invalid(
            f"The workflow asks a person: {request.message} Run it at a terminal, or on a server."
        )
    schema = request.answer_schema
    hint = {"boolean": "yes or no"}.get(schema.get("type", ""), "JSON")
    hint = ", ".join(schema["enum"]) if "enum" in schema else hint
    is_text = schema.get("type") == "string"
    while True:
        typed = input(
            f"{request.message} [{'text' if is_text and 'enum' not in schema else hint}] "
        )
        answer = typed if is_text else _typed(typed)
        wrong = violations(schema, answer)
        if not wrong:
            return answer
        say(f"That does not fit: {wrong[0].message}.")


def _typed(text: str) -> Any:
    known = {"yes": True, "y": True, "no": False, "n": False}
    if text.strip().lower() in known:
        return known[text.strip().lower()]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
