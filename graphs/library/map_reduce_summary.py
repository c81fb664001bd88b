"""Summarise a text of any length: its parts side by side, then their summaries, then the whole."""

from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime
from langgraph.types import Send

from graphs.library.graph import Context, LibraryGraph

MAX_ROUNDS = 6
SHORTEST_PART = 200
SHRINKS = 0.8
"""To what a round must bring the text, for another to be worth it."""


def merged(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    """Both, `right` winning."""
    return {**left, **right}


class Asked(TypedDict):
    text: str
    instructions: str
    part_characters: int


class Answer(TypedDict):
    summary: str
    parts: list[str]
    rounds: int


class State(Asked, Answer):
    """`chunks` are this round's parts, `summaries` theirs by `<round>.<place>`."""

    chunks: list[str]
    summaries: Annotated[dict[str, str], merged]


class Part(TypedDict):
    key: str
    text: str
    instructions: str


async def split(state: State) -> dict[str, Any]:
    """The text in parts, cut where paragraphs or sentences end."""
    return {"chunks": cut(state["text"], state["part_characters"]), "rounds": 1, "parts": []}


def fan_out(state: State) -> list[Send]:
    """One call per part, all at once."""
    return [
        Send(
            "summarise",
            Part(
                key=f"{state['rounds']}.{place}",
                text=chunk,
                instructions=state["instructions"],
            ),
        )
        for place, chunk in enumerate(state["chunks"])
    ]


async def summarise(part: Part, runtime: Runtime[Context]) -> dict[str, Any]:
    """One part's summary."""
    system = f"Summarise in a few sentences. {part['instructions']}".strip()
    return {
        "summaries": {part["key"]: await runtime.context.model.ask(part["text"], system=system)}
    }


async def gather(state: State) -> dict[str, Any]:
    """The summaries in the order of their parts; too long together, they are parts themselves."""
    told = [
        state["summaries"][f"{state['rounds']}.{place}"] for place in range(len(state["chunks"]))
    ]
    first = {"parts": told} if state["rounds"] == 1 else {}
    together = "\n\n".join(told)
    long = len(together) > state["part_characters"] and len(told) > 1
    shorter = len(together) < SHRINKS * sum(map(len, state["chunks"]))
    if long and shorter and state["rounds"] < MAX_ROUNDS:
        chunks = cut(together, state["part_characters"])
        return {**first, "chunks": chunks, "rounds": state["rounds"] + 1}
    return {**first, "chunks": [], "summary": together}


def goes_on(state: State) -> str | list[Send]:
    """Another round, or the end."""
    return fan_out(state) if state["chunks"] else "combine"


async def combine(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """One summary of the summaries."""
    if len(state["parts"]) < 2:
        return {"summary": state["summary"]}
    prompt = f"Summaries of the parts of one text, in order:\n\n{state['summary']}"
    system = f"Write one summary of the whole text. {state['instructions']}".strip()
    model = runtime.context.model
    example = _beginning(state["summary"], 60)
    return {"summary": await model.ask(prompt, system=system, example=example)}


def cut(text: str, most: int) -> list[str]:
    """The text in pieces of at most `most` characters, cut at the best place in their last half."""
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > most:
        places = (rest.rfind(mark, most // 2, most) for mark in ("\n\n", "\n", ". ", " "))
        end = next((place + 1 for place in places if place > 0), most)
        pieces.append(rest[:end].strip())
        rest = rest[end:].strip()
    return [*pieces, rest] if rest else pieces or [""]


def _beginning(text: str, words: int = 20) -> str:
    return " ".join(text.split()[:words])


def build() -> Any:
    """split → summarise each → gather → combine, or another round of parts."""
    graph: Any = StateGraph(State, Context, input_schema=Asked, output_schema=Answer)
    graph.add_node("split", split)
    graph.add_node("summarise", summarise)
    graph.add_node("gather", gather)
    graph.add_node("combine", combine)
    graph.add_edge(START, "split")
    graph.add_conditional_edges("split", fan_out, ["summarise"])
    graph.add_edge("summarise", "gather")
    graph.add_conditional_edges("gather", goes_on, ["summarise", "combine"])
    graph.add_edge("combine", END)
    return graph


GRAPH = LibraryGraph(
    name="map_reduce_summary",
    title="Summarise a long text",
    description="Cuts a text of any length into parts, summarises them side by side, and makes "
    "one summary of their summaries.",
    input_schema={
        "type": "object",
        "properties": {
            "text": {
                "type": "string",
                "title": "Text",
                "description": "What is summarised.",
                "minLength": 1,
                "x-widget": "textarea",
            },
            "instructions": {
                "type": "string",
                "title": "Instructions",
                "description": "What matters, in which language, how long.",
                "default": "",
                "x-widget": "textarea",
            },
            "part_characters": {
                "type": "integer",
                "title": "Size of a part",
                "description": "Characters that the model gets at once.",
                "default": 8000,
                "minimum": SHORTEST_PART,
                "maximum": 400_000,
            },
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "summary": {"type": "string"},
            "parts": {"type": "array", "items": {"type": "string"}},
            "rounds": {"type": "integer"},
        },
        "required": ["summary", "parts", "rounds"],
    },
    build=build,
    pure=True,
)
