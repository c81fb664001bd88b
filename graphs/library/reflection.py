"""Write, criticise, revise: a text that is looked at with other eyes before it goes out."""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime

from graphs.library.graph import Context, LibraryGraph

VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "good": {"type": "boolean", "description": "Whether it can go out as it is."},
        "criticism": {"type": "string", "description": "What should be better, concretely."},
    },
    "required": ["good", "criticism"],
}


class Asked(TypedDict):
    task: str
    criteria: str
    max_rounds: int


class Answer(TypedDict):
    text: str
    rounds: int
    good: bool
    criticism: str


class State(Asked, Answer):
    """The task, and the text as it stands."""


async def write(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The first draft."""
    system = "You write well and to the point. Answer with the text only."
    return {"text": await runtime.context.model.ask(state["task"], system=system), "rounds": 0}


async def criticise(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Whether the text is good enough, and what is not."""
    criteria = state["criteria"] or "It does what the task asks, is correct, clear and brief."
    verdict = await runtime.context.model.ask_for_data(
        f"The task:\n{state['task']}\n\nThe text:\n{state['text']}\n\nWhat counts:\n{criteria}",
        VERDICT,
        system="You are a strict but fair editor. Judge the text.",
        example={
            "good": state["rounds"] > 0,
            "criticism": "" if state["rounds"] else "Say it more briefly.",
        },
    )
    return {"good": verdict["good"], "criticism": verdict["criticism"]}


async def revise(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The text with the criticism taken in."""
    prompt = (
        f"The task:\n{state['task']}\n\nYour text:\n{state['text']}\n\n"
        f"What should be better:\n{state['criticism']}\n\nWrite the text anew."
    )
    text = await runtime.context.model.ask(prompt, system="Answer with the text only.")
    return {"text": text, "rounds": state["rounds"] + 1}


def goes_on(state: State) -> str:
    """Where it leads from the criticism."""
    return END if state["good"] or state["rounds"] >= state["max_rounds"] else "revise"


def build() -> Any:
    """write → criticise ⇄ revise."""
    graph: Any = StateGraph(State, Context, input_schema=Asked, output_schema=Answer)
    graph.add_node("write", write)
    graph.add_node("criticise", criticise)
    graph.add_node("revise", revise)
    graph.add_edge(START, "write")
    graph.add_edge("write", "criticise")
    graph.add_conditional_edges("criticise", goes_on, ["revise", END])
    graph.add_edge("revise", "criticise")
    return graph


GRAPH = LibraryGraph(
    name="reflection",
    title="Write, criticise, revise",
    description="Writes a text, has it criticised, and revises it until it is good enough.",
    input_schema={
        "type": "object",
        "properties": {
            "task": {
                "type": "string",
                "title": "Task",
                "description": "What is to be written.",
                "minLength": 1,
                "x-widget": "textarea",
            },
            "criteria": {
                "type": "string",
                "title": "Criteria",
                "description": "What counts when the text is judged.",
                "default": "",
                "x-widget": "textarea",
            },
            "max_rounds": {
                "type": "integer",
                "title": "Rounds",
                "description": "How often it is revised at most.",
                "default": 2,
                "minimum": 0,
                "maximum": 10,
            },
        },
        "required": ["task"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "rounds": {"type": "integer"},
            "good": {"type": "boolean"},
            "criticism": {"type": "string"},
        },
        "required": ["text", "rounds", "good", "criticism"],
    },
    build=build,
    pure=True,
)
