"""The hand-written graphs of this house, with the mock model and with one that is scripted."""

import json
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from graphs.definition import Node
from graphs.events import RunCompleted, StepCompleted
from graphs.json_schema import violations
from graphs.library import catalog as module
from graphs.library.catalog import BUILT_IN, ENTRY_POINT_GROUP, catalog
from graphs.library.drawing import drawing
from graphs.library.map_reduce_summary import cut
from graphs.node_type import Services
from tests.fake_openai import Act, Request, fake_openai, say, say_json
from tests.graphs.engine import Execution, chain

INPUTS: dict[str, dict[str, Any]] = {
    "map_reduce_summary": {"text": "One. Two. " * 60, "part_characters": 200},
    "plan_and_execute": {"goal": "What is heavier?"},
    "reason_and_act": {"question": "How many?", "data": [1, 2, 3]},
    "reflection": {"task": "A haiku"},
}


async def outputs(name: str, given: dict[str, Any], script: Any = None) -> Any:
    """What the graph puts out, and the names of the nodes that ran."""
    params: dict[str, Any] = {"name": name, "input": given}
    async with fake_openai(script or []) as server:
        if script is not None:
            params |= {"model": "openai:m", "base_url": server.url}
        definition = chain(Node(id="g", type="graph", params=params))
        execution = Execution(definition, services=Services(allow_hosts=("127.0.0.1",)))
        end = await execution.finish()
    assert isinstance(end, RunCompleted), end
    ran = [event.node_id for event in execution.of(StepCompleted) if event.path]
    return end.data.outputs["g"], ran


@pytest.mark.parametrize("name", BUILT_IN)
async def test_works_with_the_mock_model(name: str) -> None:
    graph = catalog()[name]
    assert not violations(graph.input_schema, INPUTS[name])
    output, ran = await outputs(name, INPUTS[name])
    assert not violations(graph.output_schema, output)
    assert set(ran) == {node.id for node in drawing(name).nodes if node.kind == "node"}


async def test_a_text_is_revised_until_it_is_good() -> None:
    script: list[Act] = [
        say("first"),
        say_json({"good": False, "criticism": "too short"}),
        say("second, longer"),
        say_json({"good": True, "criticism": ""}),
    ]
    output, ran = await outputs("reflection", {"task": "Write", "max_rounds": 5}, script)
    assert output == {"text": "second, longer", "rounds": 1, "good": True, "criticism": ""}
    assert ran == ["write", "criticise", "revise", "criticise"]


async def test_revising_has_an_end() -> None:
    def never_good(request: Request) -> Act:
        if "satisfy this schema" in request["messages"][0]["content"]:
            return say_json({"good": False, "criticism": "no"})
        return say("text")

    output, ran = await outputs("reflection", {"task": "Write", "max_rounds": 3}, never_good)
    assert (output["rounds"], output["good"]) == (3, False)
    assert ran.count("criticise") == 4


async def test_a_plan_is_worked_off_and_kept_up_to_date() -> None:
    script: list[Act] = [
        say_json({"steps": ["weigh the feathers", "weigh the lead", "compare"]}),
        say("1 kg"),
        say_json({"steps": ["weigh the lead"]}),
        say("1 kg too"),
        say("The same."),
    ]
    output, ran = await outputs("plan_and_execute", {"goal": "What is heavier?"}, script)
    assert output == {
        "answer": "The same.",
        "steps": [
            {"step": "weigh the feathers", "result": "1 kg"},
            {"step": "weigh the lead", "result": "1 kg too"},
        ],
    }
    assert ran == ["plan", "work", "replan", "work", "replan", "answer"]


async def test_a_plan_does_not_grow_for_ever() -> None:
    def more_and_more(request: Request) -> Act:
        system = request["messages"][0]["content"]
        if "satisfy this schema" not in system:
            return say("done")
        most = json.loads(system.partition("schema: ")[2])["properties"]["steps"]["maxItems"]
        return say_json({"steps": ["another"] * most})

    output, _ = await outputs("plan_and_execute", {"goal": "x", "max_steps": 20}, more_and_more)
    assert len(output["steps"]) == 20


async def test_a_long_text_is_summarised_in_parts() -> None:
    def summary(request: Request) -> Act:
        if "one summary of the whole" in request["messages"][0]["content"]:
            return say("whole")
        return say(request["messages"][1]["content"][:8])

    text = "\n\n".join(f"Part {number:02}. " + "x" * 180 for number in range(12))
    output, ran = await outputs(
        "map_reduce_summary", {"text": text, "part_characters": 200}, summary
    )
    assert output["summary"] == "whole"
    assert output["parts"] == [f"Part {number:02}." for number in range(12)]
    assert ran.count("summarise") == 12


async def test_a_short_text_is_asked_once() -> None:
    output, ran = await outputs("map_reduce_summary", {"text": "Short."}, [say("Brief.")])
    assert (output["summary"], output["parts"], output["rounds"]) == ("Brief.", ["Brief."], 1)
    assert ran.count("summarise") == 1


@pytest.mark.parametrize("most", [200, 333, 1000])
def test_nothing_is_lost_when_a_text_is_cut(most: int) -> None:
    text = "A sentence. And another one\n" * 60 + "y" * 1500 + "\n\nthe end"
    pieces = cut(text, most)
    assert all(0 < len(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


async def test_reasoning_computes_instead_of_guessing() -> None:
    script: list[Act] = [
        say_json({"thought": "sum", "action": "evaluate", "input": "sum(data.nothing"}),
        say_json(
            {
                "thought": "sum again",
                "action": "evaluate",
                "input": "{{ sum([row.amount for row in data if row.paid]) }}",
            }
        ),
        say_json({"thought": "done", "action": "finish", "input": "30"}),
    ]
    data = [{"amount": 10, "paid": True}, {"amount": 20, "paid": True}, {"amount": 5, "paid": 0}]
    output, ran = await outputs("reason_and_act", {"question": "Paid?", "data": data}, script)
    assert output["answer"] == "30"
    assert [step["result"] for step in output["steps"]][1] == "30"
    assert "went wrong" in output["steps"][0]["result"]
    assert ran == ["reason", "act", "reason", "act", "reason", "answer"]


async def test_reasoning_has_an_end() -> None:
    def never_done(request: Request) -> Act:
        if "satisfy this schema" in request["messages"][0]["content"]:
            return say_json({"thought": "hm", "action": "evaluate", "input": "1 + 1"})
        return say("I do not know.")

    output, _ = await outputs("reason_and_act", {"question": "?", "max_steps": 20}, never_done)
    assert output["answer"] == "I do not know."
    assert len(output["steps"]) == 20


async def test_the_guides_own_graph_works(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).parent.parent.parent / "ui/help/models.md"
    code = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)[0]
    # as a module of its own, so that LangGraph finds what the annotations name
    written = ModuleType("joke")
    monkeypatch.setitem(sys.modules, "joke", written)
    exec(code, written.__dict__)
    point = EntryPoint("joke", "joke:GRAPH", ENTRY_POINT_GROUP)
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    catalog.cache_clear()
    try:
        output, ran = await outputs("joke", {"topic": "cats"}, [say("A joke.")])
    finally:
        catalog.cache_clear()
    assert output == {"topic": "cats", "joke": "A joke."}
    assert ran == ["joke"]
