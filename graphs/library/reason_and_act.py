"""Reason and act: a model that works out an answer from data, computing instead of guessing."""

import operator
from typing import Annotated, Any, TypedDict

import msgspec
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime

from graphs.errors import ExpressionError
from graphs.expressions import compile_value, format_value
from graphs.library.graph import Context, LibraryGraph

SHOWN_CHARACTERS = 4000
MAX_STEPS = 20

SYSTEM = """\
You answer questions about data. You cannot see all of the data and must not calculate in your head:
let expressions do both. An expression names the data as `data` and has literals, arithmetic,
comparison, `and or not in`, `a if c else b`, comprehensions such as
`[row.amount for row in data if row.paid]`, and functions such as len, sum, min, max, round, sorted.
In each turn either evaluate one expression or finish with the answer."""


class Step(TypedDict):
    thought: str
    expression: str
    result: str


class Asked(TypedDict):
    question: str
    data: Any
    max_steps: int


class Answer(TypedDict):
    answer: str
    steps: Annotated[list[Step], operator.add]


class State(Asked, Answer):
    """`next`: what the model wants to do."""

    next: dict[str, str]


TURN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "thought": {"type": "string", "description": "Why."},
        "action": {"enum": ["evaluate", "finish"]},
        "input": {"type": "string", "description": "The expression, or the answer."},
    },
    "required": ["thought", "action", "input"],
}


async def reason(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What to do next."""
    steps = state.get("steps", [])
    turn = await runtime.context.model.ask_for_data(
        _prompt(state), TURN, system=SYSTEM, example=_example(steps)
    )
    return {"next": turn}


async def act(state: State) -> dict[str, Any]:
    """The expression's value, or what is wrong with it."""
    expression = state["next"]["input"].strip()
    for opening, closing in (("{{", "}}"), ("${", "}")):
        if expression.startswith(opening) and expression.endswith(closing):
            expression = expression[len(opening) : -len(closing)].strip()
    try:
        value = compile_value(f"{{{{ {expression} }}}}").resolve({"data": state["data"]})
        result = format_value(value) if isinstance(value, str) else _json(value)
    except ExpressionError as error:
        result = f"That went wrong: {error.message}"
    step = {"thought": state["next"]["thought"], "expression": expression}
    return {"steps": [{**step, "result": _brief(result)}]}


async def answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The answer that was found, or the best that can be said after so many steps."""
    if state["next"]["action"] == "finish":
        return {"answer": state["next"]["input"], "steps": []}
    prompt = f"{_prompt(state)}\n\nThere are no turns left. Answer now, as well as it can be said."
    return {
        "answer": await runtime.context.model.ask(prompt, system="Answer briefly."),
        "steps": [],
    }


def goes_on(state: State) -> str:
    """Where it leads from the reasoning."""
    out = state["next"]["action"] == "finish" or len(state.get("steps", [])) >= state["max_steps"]
    return "answer" if out else "act"


def build() -> Any:
    """reason ⇄ act, then answer."""
    graph: Any = StateGraph(State, Context, input_schema=Asked, output_schema=Answer)
    graph.add_node("reason", reason)
    graph.add_node("act", act)
    graph.add_node("answer", answer)
    graph.add_edge(START, "reason")
    graph.add_conditional_edges("reason", goes_on, ["act", "answer"])
    graph.add_edge("act", "reason")
    graph.add_edge("answer", END)
    return graph


def _prompt(state: State) -> str:
    parts = [f"The question:\n{state['question']}"]
    if state["data"] is not None:
        parts.append(f"The beginning of `data`:\n{_brief(_json(state['data']))}")
    for step in state.get("steps", []):
        parts.append(f"You evaluated {step['expression']}\nand got {step['result']}")
    return "\n\n".join(parts)


def _example(steps: list[Step]) -> dict[str, str]:
    if steps:
        return {"thought": "That is it.", "action": "finish", "input": steps[-1]["result"]}
    return {"thought": "How much is it?", "action": "evaluate", "input": "len(data or [])"}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _brief(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


GRAPH = LibraryGraph(
    name="reason_and_act",
    title="Reason and act",
    description="Answers a question about data: the model decides what to compute, expressions "
    "compute it, until the answer is found.",
    input_schema={
        "type": "object",
        "properties": {
            "question": {
                "type": "string",
                "title": "Question",
                "description": "What is to be found out.",
                "minLength": 1,
                "x-widget": "textarea",
            },
            "data": {
                "title": "Data",
                "description": "What the question is about: rows, an object, a text.",
                "default": None,
            },
            "max_steps": {
                "type": "integer",
                "title": "Steps",
                "description": "How many expressions it may evaluate.",
                "default": 8,
                "minimum": 1,
                "maximum": MAX_STEPS,
            },
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "steps": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "thought": {"type": "string"},
                        "expression": {"type": "string"},
                        "result": {"type": "string"},
                    },
                    "required": ["thought", "expression", "result"],
                },
            },
        },
        "required": ["answer", "steps"],
    },
    build=build,
    pure=True,
    recursion_limit=2 * MAX_STEPS + 5,
)
