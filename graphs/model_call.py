"""Asking a model: its answer as it streams, what it consumed, and what to do when it fails.

What may pass (429, 5xx, no connection) is tried again here, as the provider asks for with
`Retry-After`, but only while nothing of an answer was shown. Later failures are the node's own
`retry`: the viewer sees that the answer begins anew.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from graphs import model_errors
from graphs.chat_model import MOCK, ChatModel, ModelSettings, Piece, Question, chat_model
from graphs.errors import NodeError, NodeTimeoutError
from graphs.events import Usage
from graphs.node_type import NodeContext

TRIES = 3
BACKOFF_MS = (500, 2000)
LONGEST_PAUSE_MS = 30_000
"""A provider that wants more patience fails the attempt: the node's `retry` knows when to go on."""

IDLE_S = 60.0
"""How long an answer that has begun may pause; a model may think longer before it begins."""

MAX_ANSWER_CHARACTERS = 1_000_000


class Answer(Struct, frozen=True):
    """What a model answered, and what it consumed."""

    text: str
    usage: Usage


class Heard:
    """What has come in so far."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = self.input_tokens = self.output_tokens = 0

    def take(self, piece: Piece) -> None:
        """Add a piece. Raises NodeError when the answer is longer than any use of it."""
        self.input_tokens += piece.input_tokens
        self.output_tokens += piece.output_tokens
        self.size += len(piece.text)
        if piece.text:
            self.parts.append(piece.text)
        if self.size > MAX_ANSWER_CHARACTERS:
            raise NodeError(
                f"the answer is longer than {MAX_ANSWER_CHARACTERS:,} characters",
                code="response_too_large",
                retryable=False,
            )

    @property
    def usage(self) -> Usage:
        return Usage(self.input_tokens, self.output_tokens)


async def ask(settings: ModelSettings, question: Question, ctx: NodeContext) -> Answer:
    """The model's answer, shown as it streams. Raises NodeError with a reason for the analyst."""
    heard = Heard()
    began = time.perf_counter()
    ctx.llm_started(settings.model)

    def completed() -> None:
        elapsed_ms = round((time.perf_counter() - began) * 1000)
        ctx.llm_completed(settings.model, heard.usage, elapsed_ms)

    try:
        async with chat_model(settings) as model:
            await _with_tries(model, settings, question, ctx, heard)
    except NodeError:
        if heard.size or heard.usage != Usage():
            completed()
        raise
    if heard.usage == Usage() and settings.model != MOCK:
        ctx.log(f"{settings.model} did not tell its usage: tokens and cost count as 0", "warning")
    completed()
    return Answer("".join(heard.parts), heard.usage)


async def _with_tries(
    model: ChatModel, settings: ModelSettings, question: Question, ctx: NodeContext, heard: Heard
) -> None:
    for pause_ms in (*BACKOFF_MS[: TRIES - 1], None):
        model.headers.clear()
        try:
            async with aclosing(_pieces(model, question, settings.timeout_ms)) as pieces:
                async for piece in pieces:
                    heard.take(piece)
                    if piece.text:
                        ctx.token(piece.text)
            return
        except NodeError:
            raise
        except Exception as error:
            failed = model_errors.readable(error, model.headers, begun=bool(heard.size))
            wait_ms = pause_ms if failed.retry_after_ms is None else failed.retry_after_ms
            passes = model_errors.may_pass(error) and not heard.size
            if not passes or pause_ms is None or wait_ms is None or wait_ms > LONGEST_PAUSE_MS:
                raise failed from error
        ctx.log(f"{failed.message}; asked again in {wait_ms} ms", "warning")
        await pause(wait_ms)


async def pause(ms: int) -> None:
    """Wait before the model is asked again."""
    await asyncio.sleep(ms / 1000)


async def _pieces(
    model: ChatModel, question: Question, timeout_ms: int
) -> AsyncGenerator[Piece, None]:
    ends = asyncio.get_running_loop().time() + timeout_ms / 1000
    begun = False
    async with aclosing(model.ask(question)) as answer:
        while True:
            idle = asyncio.get_running_loop().time() + IDLE_S
            limit = min(ends, idle) if begun else ends
            try:
                async with asyncio.timeout_at(limit):
                    piece = await anext(answer, None)
            except TimeoutError:
                if limit == ends:
                    said = f"the model took longer than its time limit of {timeout_ms} ms"
                else:
                    said = f"the model's answer stood still for {IDLE_S:g} s"
                raise NodeTimeoutError(said) from None
            if piece is None:
                return
            begun = begun or bool(piece.text)
            yield piece
