"""Runs a compiled graph and records what happens: the only place that begins and ends a run."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from graphs.compile import CompiledGraph
from graphs.control import RunControl
from graphs.errors import NodeError
from graphs.events import (
    Failure,
    PauseReason,
    RunCancelled,
    RunCancelledData,
    RunCompleted,
    RunCompletedData,
    RunEnd,
    RunFailed,
    RunFailedData,
    RunPaused,
    RunPausedData,
    RunStarted,
    RunStartedData,
)
from graphs.masking import RunSecrets
from graphs.node_type import Services
from graphs.run_options import RunOptions
from graphs.scope import CURRENT, Journal, RunEnvironment, Scope
from graphs.stored import store

SUPERSTEPS = {"recursion_limit": 2}
"""Every node is in the first superstep; a second would be a defect of the compiler."""

_DEFAULTS = RunOptions()


async def run(
    graph: CompiledGraph,
    *,
    run_id: str,
    inputs: Mapping[str, Any],
    journal: Journal,
    services: Services,
    control: RunControl,
    options: RunOptions = _DEFAULTS,
) -> RunEnd | RunPaused:
    """Execute a graph, appending every event to the journal; returns the event that ends the run
    or puts it aside.

    `inputs` have their defaults already. Steps whose end the journal holds are not executed again.
    Raises what the journal raises, and CancelledError when this task (the process, not the run)
    is being stopped: then no end is recorded, and another process can go on with the run.
    """
    clock = _Clock(max(options.active_ms, journal.recorded.active_ms))
    total = graph.total if options.selected is None else len(options.selected)
    data = RunStartedData(total, journal.recorded.recovered)
    journal.append(RunStarted(run_id=run_id, data=data))
    secrets = RunSecrets(services.secrets)
    environment = RunEnvironment(run_id, journal, services, control, options, secrets, _invoke)
    limit = clock.limit(options.config.timeout_ms, control)
    try:
        scope = await _invoke_until_it_stands(graph, environment, inputs)
    finally:
        if limit is not None:
            limit.cancel()
    control.close()
    event: RunEnd | RunPaused
    if control.expired:
        message = f"The run took longer than its time limit of {options.config.timeout_ms} ms."
        data = RunFailedData(Failure(code="run_timeout", message=message), clock.active_ms)
        event = RunFailed(run_id=run_id, data=data)
    elif control.cancelled is not None:
        data = RunCancelledData(control.cancelled, clock.active_ms)
        event = RunCancelled(run_id=run_id, data=data)
    elif scope.held:
        event = RunPaused(run_id=run_id, data=_pause(control, clock))
    else:
        event = await _end(scope, clock)
    journal.append(event)
    await journal.flush()
    return event


async def _invoke_until_it_stands(
    graph: CompiledGraph, environment: RunEnvironment, inputs: Mapping[str, Any]
) -> Scope:
    """Execute the graph; again when it was put aside although something could go on."""
    control, options, journal = environment.control, environment.options, environment.journal
    while True:
        control.open(journal, options)
        scope = Scope(
            graph,
            environment,
            inputs,
            arriving=inputs,
            selected=options.selected,
            pins=options.use_pins,
        )
        await _invoke_cancellably(scope, control)
        aside = control.pausing is PauseReason.WAITING and control.cancelled is None
        if not (scope.held and aside and control.disturbed):
            return scope
        await journal.reload()
        if control.pausing is not PauseReason.WAITING or not control.disturbed:
            return scope


async def _invoke_cancellably(scope: Scope, control: RunControl) -> None:
    task = asyncio.create_task(_invoke(scope))
    control.attach(task)
    if control.cancelled is not None:
        task.cancel()
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        raise
    if control.cancelled is None or not task.cancelled():
        task.result()


def _pause(control: RunControl, clock: "_Clock") -> RunPausedData:
    reason = control.pausing
    assert reason is not None, "only a pause suspends steps"
    wake_at = control.wake_at if reason is PauseReason.WAITING else None
    return RunPausedData(reason, clock.active_ms, control.stops, wake_at, control.paused_by)


async def _end(scope: Scope, clock: "_Clock") -> RunCompleted | RunFailed:
    run_id = scope.run.run_id
    failure = scope.failure
    if failure is None:
        try:
            outputs = await _outputs(scope)
            return RunCompleted(run_id=run_id, data=RunCompletedData(outputs, clock.active_ms))
        except NodeError as error:
            failure = Failure(error.code, f"The run's outputs: {error.message}")
    return RunFailed(run_id=run_id, data=RunFailedData(failure, clock.active_ms))


async def _outputs(scope: Scope) -> Any:
    """What the run puts out, large values as references."""
    result = scope.result()
    if result.reference is not None:
        return result.reference
    stored = await store(result.output, scope.run.services.artifacts, None, "outputs")
    return stored.kept


async def _invoke(scope: Scope) -> None:
    token = CURRENT.set(scope)
    try:
        await scope.graph.graph.ainvoke({}, SUPERSTEPS)
    finally:
        CURRENT.reset(token)


class _Clock:
    """How long a run has been executing, pauses left out."""

    def __init__(self, before_ms: int) -> None:
        self._before_ms = before_ms
        self._began = time.perf_counter()

    @property
    def active_ms(self) -> int:
        return self._before_ms + round((time.perf_counter() - self._began) * 1000)

    def limit(self, timeout_ms: int | None, control: RunControl) -> asyncio.TimerHandle | None:
        """Let the run's time limit stop it."""
        if timeout_ms is None:
            return None
        left_s = max(0, timeout_ms - self._before_ms) / 1000
        return asyncio.get_running_loop().call_later(left_s, control.expire)
