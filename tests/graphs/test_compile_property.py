"""The compiled graph against the reference interpreter, on random graphs with random timing."""

import random
from collections import Counter

import pytest

from graphs.compile import compile_definition
from graphs.definition import Definition
from graphs.events import RunEvent, StepStarted
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Services
from graphs.recorded import step_key
from graphs.scope import RunControl
from tests.graphs.random_graphs import TYPES, check, random_definition
from tests.graphs.reference import interpret

GRAPHS = 600


async def execute(definition: Definition, journal: MemoryJournal) -> RunEvent:
    return await run(
        compile_definition(definition, TYPES),
        run_id="r",
        inputs={},
        journal=journal,
        services=Services(),
        control=RunControl(),
    )


@pytest.mark.parametrize("block", range(6))
async def test_compiled_graphs_do_what_the_reference_does(block: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(block * GRAPHS // 6, (block + 1) * GRAPHS // 6):
        definition = random_definition(seed)
        expected = interpret(definition, {})
        journal = MemoryJournal()
        await execute(definition, journal)
        check(journal.events, expected, f"seed {seed}")
        starts = Counter(step_key(e) for e in journal.events if isinstance(e, StepStarted))
        assert set(starts.values()) <= {1}, f"seed {seed}: a node fired twice"
        seen.update(expected.fates.values())
        seen["runs failed"] += expected.failed
    assert min(seen[kind] for kind in ("completed", "skipped", "failed", "runs failed")) > 10, seen


async def test_a_run_cut_off_anywhere_goes_on_to_the_same_end() -> None:
    cuts = 0
    for seed in range(150):
        definition = random_definition(seed)
        expected = interpret(definition, {})
        whole = MemoryJournal()
        await execute(definition, whole)
        for cut in random.Random(seed).sample(range(len(whole.events)), min(3, len(whole.events))):
            rest = MemoryJournal(earlier=whole.events[:cut])
            await execute(definition, rest)
            check(rest.events, expected, f"seed {seed}, cut {cut}")
            cuts += 1
    assert cuts >= 300
