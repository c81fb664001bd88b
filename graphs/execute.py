"""Runs a compiled graph and records what happens: the only place that begins and ends a run."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from graphs.compile import CompiledGraph
from graphs.events import (
    RunCancelled,
    RunCancelledData,
    RunCompleted,
    RunCompletedData,
    RunEnd,
    RunFailed,
    RunFailedData,
    RunStarted,
    RunStartedData,
)
from graphs.node_type import Services
from graphs.scope import CURRENT, Journal, RunControl, RunEnvironment, Scope

SUPERSTEPS = {"recursion_limit": 2}
"""Every node is in the first superstep; a second would be a defect of the compiler."""


async def run(
    graph: CompiledGraph,
    *,
    run_id: str,
    inputs: Mapping[str, Any],
    journal: Journal,
    services: Services,
    control: RunControl,
) -> RunEnd:
    """Execute a graph, appending every event to the journal; returns the event that ends the run.

    `inputs` have their defaults already. Steps whose end the journal holds are not executed again.
    Raises what the journal raises, and CancelledError when this task (the process, not the run)
    is being stopped: then no end is recorded, and another process can go on with the run.
    """
    began = time.perf_counter()
    data = RunStartedData(graph.total, journal.recorded.recovered)
    journal.append(RunStarted(run_id=run_id, data=data))
    environment = RunEnvironment(run_id, inputs, journal, services, control, _invoke)
    scope = Scope(graph, environment, arriving=inputs)
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
    duration_ms = round((time.perf_counter() - began) * 1000)
    end: RunEnd
    if control.cancelled is not None:
        data = RunCancelledData(control.cancelled, duration_ms)
        end = RunCancelled(run_id=run_id, data=data)
    elif scope.failure is not None:
        end = RunFailed(run_id=run_id, data=RunFailedData(scope.failure, duration_ms))
    else:
        data = RunCompletedData(_outputs(scope), duration_ms)
        end = RunCompleted(run_id=run_id, data=data)
    journal.append(end)
    await journal.flush()
    return end


def _outputs(scope: Scope) -> Any:
    """The output of the `end` node that was reached, of several by id, or of the live leaves."""
    outputs = scope.outputs()
    ends = {leaf for leaf in scope.graph.leaves if scope.graph.nodes[leaf].type.name == "end"}
    if not ends:
        return outputs
    reached = {leaf: output for leaf, output in outputs.items() if leaf in ends}
    return next(iter(reached.values())) if len(reached) == 1 else reached


async def _invoke(scope: Scope) -> None:
    token = CURRENT.set(scope)
    try:
        await scope.graph.graph.ainvoke({}, SUPERSTEPS)
    finally:
        CURRENT.reset(token)
