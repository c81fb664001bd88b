"""Hypothesis drives runs through their life, against a small model of what must become of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from backend.settings import Settings
from graphs.definition import Definition, Node
from tests.backend.runs.door import Door, Json
from tests.backend.runs.drawings import edge, node
from tests.conftest import PASSWORD, client_of, running, sign_in

EXAMPLES = 12
STEPS = 14
RETRYABLE = ("failed", "cancelled")

BOOLEANS = {"ask": {"type": "boolean"}, "fail": {"type": "boolean"}}


def course() -> Definition:
    """A short wait; a question if `ask`; then an end, bad if `fail`."""
    nodes = [
        Node(id="start", type="start"),
        node("nap", "wait", duration_ms=5),
        node("asks", "if", condition="{{ input.ask }}"),
        node("question", "approval", message="Go on?"),
        node("met", "merge"),
        node("fails", "if", condition="{{ input.fail }}"),
        node("bad", "fail", message="as wished"),
        node("good", "set_fields", fields={"went": "well"}),
    ]
    edges = [
        edge("start", "nap"),
        edge("nap", "asks"),
        edge("asks", "question", "true"),
        edge("asks", "met", "false"),
        edge("question", "met", "yes"),
        edge("met", "fails"),
        edge("fails", "bad", "true"),
        edge("fails", "good", "false"),
    ]
    inputs = {"type": "object", "properties": BOOLEANS}
    return Definition(inputs=inputs, nodes=nodes, edges=edges)


class Model:
    """What must become of a run: the places it still has to stop at, and its end."""

    def __init__(self, *, ask: bool, fail: bool, stop: bool) -> None:
        self.ahead = [*(["breakpoint"] if stop else []), *(["waiting"] if ask else [])]
        self.end = "failed" if fail else "completed"
        self.cancelled = self.held = self.over = False

    @property
    def state(self) -> str:
        if self.cancelled:
            return "cancelled"
        if self.held:
            return "pause"
        return self.ahead[0] if self.ahead else self.end

    @property
    def ended(self) -> bool:
        return self.state in ("completed", "failed", "cancelled")

    def resume(self) -> bool:
        if self.state == "pause":
            self.held = False
            return True
        return self._pass("breakpoint")

    def answer(self) -> bool:
        asked = self.held or self.state == "waiting"
        if not asked or self.cancelled or "waiting" not in self.ahead:
            return False
        self.ahead.remove("waiting")
        return True

    def pause(self) -> bool:
        if self.state == "waiting":
            self.held = True
        return not self.ended

    def cancel(self) -> bool:
        if self.ended:
            return False
        self.cancelled, self.held = True, False
        return True

    def retry(self) -> bool:
        if self.state not in RETRYABLE:
            return False
        if self.cancelled:
            self.cancelled = False
            self._pass("breakpoint")
        return True

    def _pass(self, place: str) -> bool:
        if self.state != place:
            return False
        self.ahead.pop(0)
        return True


def state_of(run: Json) -> str:
    return run["pause"]["reason"] if run["status"] == "paused" else run["status"]


class Lifecycle(RuleBasedStateMachine):
    """Every rule is a person's wish; afterwards the run settles, and model and product agree."""

    portal: BlockingPortal
    door: Door
    workflow_id: str
    ends: list[str]

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, Model] = {}

    def call(self, work: Any, *args: Any) -> Any:
        return self.portal.call(work, *args)

    def wish(self, run_id: str, verb: str, body: Json | None, *, granted: bool) -> None:
        url = f"/api/v1/runs/{run_id}/{verb}"

        async def send() -> int:
            return (await self.door.client.post(url, json=body)).status_code

        assert (self.call(send) < 300) is granted, f"{verb} of {self.models[run_id].state}"
        self.settle(run_id)

    def settle(self, run_id: str) -> None:
        statuses = ("paused", "completed", "failed", "cancelled")
        run = self.call(self.door.until, run_id, *statuses)
        assert state_of(run) == self.models[run_id].state

    @rule(target=runs, ask=st.booleans(), fail=st.booleans(), stop=st.booleans())
    def start(self, ask: bool, fail: bool, stop: bool) -> str:
        body = {"inputs": {"ask": ask, "fail": fail}, "breakpoints": ["nap"] if stop else []}
        run_id = self.call(lambda: self.door.start(self.workflow_id, **body))
        self.models[run_id] = Model(ask=ask, fail=fail, stop=stop)
        self.settle(run_id)
        return run_id

    @rule(run_id=runs)
    def pause(self, run_id: str) -> None:
        self.wish(run_id, "pause", None, granted=self.models[run_id].pause())

    @rule(run_id=runs, step=st.booleans())
    def resume(self, run_id: str, step: bool) -> None:
        # a single step from a person's pause would stop before whatever comes next
        stepping = step and self.models[run_id].state not in ("pause", "breakpoint")
        self.wish(run_id, "resume", {"step": stepping}, granted=self.models[run_id].resume())

    @rule(run_id=runs)
    def cancel(self, run_id: str) -> None:
        self.wish(run_id, "cancel", None, granted=self.models[run_id].cancel())

    @rule(run_id=runs)
    def retry(self, run_id: str) -> None:
        self.wish(run_id, "retry", None, granted=self.models[run_id].retry())

    @rule(run_id=runs)
    def answer(self, run_id: str) -> None:
        async def respond() -> list[int]:
            asked = (await self.door.call("GET", f"/runs/{run_id}/approvals"))["items"]
            latest = [item["id"] for item in asked[-1:]]
            answers = [
                await self.door.client.post(
                    f"/api/v1/approvals/{approval_id}/respond", json={"answer": True}
                )
                for approval_id in latest
            ]
            return [answer.status_code for answer in answers]

        granted = self.models[run_id].answer()
        statuses = self.call(respond)
        assert statuses == [200] if granted else all(status == 409 for status in statuses)
        self.settle(run_id)

    @rule(target=runs, run_id=runs)
    def fork(self, run_id: str) -> str:
        parent = self.call(self.door.get, run_id)

        async def send() -> str:
            found = (await self.door.call("GET", f"/runs/{run_id}/checkpoints"))["items"]
            body = {"checkpoint": found[0]["id"]}
            return (await self.door.call("POST", f"/runs/{run_id}/fork", body, 202))["id"]

        forked = self.call(send)
        self.models[forked] = Model(
            ask=parent["inputs"]["ask"], fail=parent["inputs"]["fail"], stop=False
        )
        self.settle(forked)
        assert self.call(self.door.get, run_id) == parent
        return forked

    @invariant()
    def nothing_changes_by_itself(self) -> None:
        for run_id, model in self.models.items():
            assert state_of(self.call(self.door.get, run_id)) == model.state

    def teardown(self) -> None:
        for run_id, model in self.models.items():
            if not model.ended and model.cancel():
                self.wish(run_id, "cancel", None, granted=True)
            kinds = self.call(self.door.kinds, run_id)
            retried = kinds.count("run.resumed")
            ends = [kind for kind in kinds if kind in ("run.failed", "run.cancelled")]
            assert len(ends) <= retried + 1
            completed = [node for node in self.call(self.door.completions, run_id)]
            assert len(completed) == len(set(completed)), "a finished step ran again"
            self.ends.append(model.state)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Door]:
    from backend.app import create_app

    app = create_app(settings)
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)
        yield Door(client)


def test_runs_become_what_they_must_whatever_people_do(any_settings: Settings) -> None:
    ends: list[str] = []
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(any_settings)) as door,
    ):
        workflow_id = portal.call(door.publish, course())
        given = {"portal": portal, "door": door, "workflow_id": workflow_id, "ends": ends}
        machine = type("Lives", (Lifecycle,), given)
        run_state_machine_as_test(
            machine,
            settings=hypothesis_settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                # a busy machine is no fault, and the counts below must be the same each time
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            ),
        )
    assert ends.count("completed") > EXAMPLES // 2, ends
    assert ends.count("cancelled") > 0
    assert ends.count("failed") > 0
