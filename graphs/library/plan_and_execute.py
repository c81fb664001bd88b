"""Plan, do one step after the other, look at the plan again: for tasks that are too big at once."""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime

from graphs.library.graph import Context, LibraryGraph

MAX_STEPS = 20


class Done(TypedDict):
    step: str
    result: str


class Asked(TypedDict):
    goal: str
    context: str
    max_steps: int


class Answer(TypedDict):
    answer: str
    steps: Annotated[list[Done], operator.add]


class State(Asked, Answer):
    """The goal, what is left to do, and what has been done."""

    plan: list[str]


async def plan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The steps that lead to the goal."""
    most = state["max_steps"]
    answer = await runtime.context.model.ask_for_data(
        f"{_goal(state)}\n\nPlan at most {most} steps, each of which can be done by thinking.",
        _steps(1, most),
        system="You plan. Few steps, each one sentence that can be done on its own.",
        example={"steps": ["Look at what is given", "Work out the answer"][:most]},
    )
    return {"plan": answer["steps"]}


async def work(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The next step of the plan."""
    step, *left = state["plan"]
    prompt = f"{_goal(state)}{_so_far(state)}\n\nNow do this step, and only this: {step}"
    result = await runtime.context.model.ask(
        prompt, system="You work through a plan, step by step."
    )
    return {"plan": left, "steps": [{"step": step, "result": result}]}


async def replan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What is still to do, now that more is known."""
    room = state["max_steps"] - len(state["steps"])
    left = state["plan"][:room]
    if not left:
        return {"plan": []}
    planned = "\n".join(f"- {step}" for step in left)
    answer = await runtime.context.model.ask_for_data(
        f"{_goal(state)}{_so_far(state)}\n\nStill planned:\n{planned}\n\n"
        "Which steps are still needed? None when the goal can be answered already.",
        _steps(0, room),
        system="You look after a plan and keep it as short as possible.",
        example={"steps": left},
    )
    return {"plan": answer["steps"]}


async def answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The goal's answer, from all results."""
    prompt = f"{_goal(state)}{_so_far(state)}\n\nNow answer the goal."
    return {
        "answer": await runtime.context.model.ask(prompt, system="Answer completely and briefly.")
    }


def goes_on(state: State) -> str:
    """Where it leads from the plan."""
    return "work" if state["plan"] else "answer"


def build() -> Any:
    """plan → (work → replan)* → answer."""
    graph: Any = StateGraph(State, Context, input_schema=Asked, output_schema=Answer)
    graph.add_node("plan", plan)
    graph.add_node("work", work)
    graph.add_node("replan", replan)
    graph.add_node("answer", answer)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "work")
    graph.add_edge("work", "replan")
    graph.add_conditional_edges("replan", goes_on, ["work", "answer"])
    graph.add_edge("answer", END)
    return graph


def _goal(state: State) -> str:
    context = f"\n\nWhat is given:\n{state['context']}" if state["context"] else ""
    return f"The goal:\n{state['goal']}{context}"


def _so_far(state: State) -> str:
    done = state.get("steps", [])
    lines = [f"{number}. {each['step']}\n{each['result']}" for number, each in enumerate(done, 1)]
    return "\n\nDone so far:\n" + "\n".join(lines) if lines else ""


def _steps(least: int, most: int) -> dict[str, Any]:
    step = {"type": "string", "minLength": 1, "maxLength": 1000}
    steps = {"type": "array", "items": step, "minItems": least, "maxItems": most}
    return {"type": "object", "properties": {"steps": steps}, "required": ["steps"]}


GRAPH = LibraryGraph(
    name="plan_and_execute",
    title="Plan and execute",
    description="Plans the steps to a goal, does one after the other, keeps the plan up to date "
    "with what it learns, and answers.",
    input_schema={
        "type": "object",
        "properties": {
            "goal": {
                "type": "string",
                "title": "Goal",
                "description": "What is to be found out or made.",
                "minLength": 1,
                "x-widget": "textarea",
            },
            "context": {
                "type": "string",
                "title": "What is given",
                "description": "Texts and data to work with.",
                "default": "",
                "x-widget": "textarea",
            },
            "max_steps": {
                "type": "integer",
                "title": "Steps",
                "description": "How many steps it may do.",
                "default": 5,
                "minimum": 1,
                "maximum": MAX_STEPS,
            },
        },
        "required": ["goal"],
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
                    "properties": {"step": {"type": "string"}, "result": {"type": "string"}},
                    "required": ["step", "result"],
                },
            },
        },
        "required": ["answer", "steps"],
    },
    build=build,
    pure=True,
    recursion_limit=2 * MAX_STEPS + 5,
)
