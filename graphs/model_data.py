"""Answers that are data: asked for with a JSON Schema, read, checked, and corrected if need be."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from graphs import model_call
from graphs.chat_model import Correction, ModelSettings, Question
from graphs.errors import NodeError
from graphs.events import Usage
from graphs.json_schema import violations
from graphs.node_type import NodeContext
from graphs.problems import pointer

PLACES_TOLD = 10

_FENCED = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)


class AnswerInvalid(NodeError):
    """What a model answered is no JSON, or does not satisfy the schema."""

    code = "answer_invalid"


class Data(Struct, frozen=True):
    """An answer that satisfies its schema. `attempts` counts the calls it took."""

    value: Any
    attempts: int
    usage: Usage


def instruction(schema: dict[str, Any]) -> str:
    """What a model is told so that it answers with data."""
    plain = msgspec.json.encode(schema).decode()
    return f"Answer with JSON only, without any other words. It must satisfy this schema: {plain}"


def read(text: str, schema: dict[str, Any]) -> Any:
    """The data in an answer. Raises AnswerInvalid naming every place that does not fit."""
    for candidate in _candidates(text):
        try:
            value = msgspec.json.decode(candidate)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            continue
        check(schema, value)
        return value
    brief = text.strip()[:200]
    raise AnswerInvalid(
        f"the model answered something that is no JSON: {brief}"
        if brief
        else "the model answered nothing"
    )


def check(schema: dict[str, Any], value: Any) -> None:
    """Raises AnswerInvalid naming every place of the value that does not fit."""
    wrong = violations(schema, value)
    if wrong:
        places = "; ".join(
            f"{pointer('', found.path) or 'the answer'}: {found.message}"
            for found in wrong[:PLACES_TOLD]
        )
        more = f"; and {len(wrong) - PLACES_TOLD} more" if len(wrong) > PLACES_TOLD else ""
        raise AnswerInvalid(f"the model's answer does not fit: {places}{more}")


async def ask_for_data(
    settings: ModelSettings,
    question: Question,
    ctx: NodeContext,
    *,
    reading: Callable[[str], Any],
    max_repairs: int,
) -> Data:
    """An answer that `reading` accepts. The model is told what was wrong, `max_repairs` times.

    Raises AnswerInvalid for the last answer.
    """
    usage = Usage()
    for attempt in range(1, max_repairs + 2):
        answer = await model_call.ask(settings, question, ctx)
        usage += answer.usage
        try:
            return Data(reading(answer.text), attempt, usage)
        except AnswerInvalid as error:
            if attempt > max_repairs:
                raise
            ctx.log(f"{error.message}; the model is asked to correct it", "warning")
            objection = f"That cannot be used: {error.message}. Answer again, with JSON only."
            correction = Correction(answer.text, objection)
            corrections = (*question.corrections, correction)
            question = msgspec.structs.replace(question, corrections=corrections)
    raise AssertionError("the last attempt returns or raises")


def _candidates(text: str) -> Iterator[str]:
    """The whole answer, what is fenced as code in it, and what lies between its outer braces."""
    yield text.strip()
    fenced = _FENCED.search(text)
    if fenced is not None:
        yield fenced[1].strip()
    for opening, closing in ("{}", "[]"):
        start, end = text.find(opening), text.rfind(closing)
        if -1 < start < end:
            yield text[start : end + 1]
