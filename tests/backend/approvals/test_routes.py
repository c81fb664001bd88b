"""The endpoints of questions: what they take, give and refuse."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.backend.approvals.asking import FORM
from tests.backend.test_errors import problem
from tests.conftest import PASSWORD, application, client_of, sign_in

Client = httpx.AsyncClient


async def ask(client: Client, **params: Any) -> dict[str, Any]:
    """The open question of a new run."""
    definition = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "approval", "params": {"message": "Go on?", **params}},
        ],
        "edges": [{"id": "e", "source": "start", "target": "ask"}],
    }
    body = {"name": "Asks", "definition": definition}
    made = (await client.post("/api/v1/workflows", json=body)).json()
    started = await client.post(
        f"/api/v1/workflows/{made['id']}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=10"},
    )
    run = started.json()
    assert (started.status_code, run["status"]) == (202, "paused")
    page = (await client.get(f"/api/v1/runs/{run['id']}/approvals")).json()
    assert page["total"] == 1
    return page["items"][0]


def url(question: dict[str, Any], verb: str = "") -> str:
    return f"/api/v1/approvals/{question['id']}{verb}"


async def test_a_question_is_listed_looked_at_and_answered(client: Client) -> None:
    question = await ask(client, title="Release", details={"rows": 3}, default_answer=False)
    assert question["status"] == "open"
    assert (question["kind"], question["title"]) == ("confirmation", "Release")
    assert question["answer_schema"] == {"type": "boolean"}
    assert question["default_answer"] is False
    assert "answer" not in question
    listed = (await client.get("/api/v1/approvals", params={"mine": "true"})).json()
    assert [found["id"] for found in listed["items"]] == [question["id"]]
    assert (await client.get("/api/v1/approvals/stats")).json() == {"open": 1, "mine": 1}
    seen = (await client.get(url(question))).json()
    assert (seen["run"]["id"], seen["run"]["status"]) == (question["run_id"], "paused")
    assert seen["details"] == {"rows": 3}
    assert [step["node_id"] for step in seen["steps"]] == ["start"]
    answered = await client.post(
        url(question, "/respond"), json={"answer": True, "comment": "Looks right."}
    )
    assert answered.status_code == 200
    told = answered.json()
    assert (told["status"], told["answer"], told["source"]) == ("answered", True, "person")
    assert (told["answered_by"], told["comment"]) == ("admin", "Looks right.")
    for _ in range(500):
        run = (await client.get(f"/api/v1/runs/{question['run_id']}")).json()
        if run["status"] == "completed":
            break
        await asyncio.sleep(0.01)
    assert run["outputs"]["ask"]["answer"] is True
    twice = problem(await client.post(url(question, "/respond"), json={"answer": False}), 409)
    assert (twice["code"], twice["answered_by"]) == ("approval_answered", "admin")
    open_ones = {"status": "open", "run_id": question["run_id"]}
    assert (await client.get("/api/v1/approvals", params=open_ones)).json()["total"] == 0


async def test_an_answer_that_does_not_fit_is_refused_with_pointers(client: Client) -> None:
    question = await ask(client, kind="form", form_schema=FORM)
    bad = {"answer": {"amount": "much", "to": {"iban": "x"}}}
    told = problem(await client.post(url(question, "/respond"), json=bad), 422)
    assert told["code"] == "answer_invalid"
    pointers = [error["pointer"] for error in told["errors"]]
    assert sorted(pointers) == ["/answer/amount", "/answer/to/iban"]


async def test_after_a_cancel_it_is_closed(client: Client) -> None:
    question = await ask(client)
    await client.post(f"/api/v1/runs/{question['run_id']}/cancel")
    told = problem(await client.post(url(question, "/respond"), json={"answer": True}), 409)
    assert told["code"] == "approval_closed"
    assert (await client.get(url(question))).json()["status"] == "cancelled"


async def test_it_is_for_its_assignee(client: Client) -> None:
    question = await ask(client, assignee="bob")
    told = problem(await client.post(url(question, "/respond"), json={"answer": True}), 403)
    assert told["code"] == "not_assignee"
    assert "bob" in told["detail"]
    body = {"username": "bob", "password": PASSWORD, "role": "viewer"}
    await client.post("/api/v1/users", json=body)
    async with client_of(application(client)) as bob:
        await sign_in(bob, "bob", PASSWORD)
        assert (await bob.get("/api/v1/approvals/stats")).json() == {"open": 1, "mine": 1}
        assert (await bob.get(url(question))).json()["may_answer"] is True
        answered = await bob.post(url(question, "/respond"), json={"answer": True})
        assert answered.json()["answered_by"] == "bob"


async def test_another_tenants_is_not_there(client: Client, other_tenant_client: Client) -> None:
    question = await ask(client)
    other = other_tenant_client
    for answer in (
        await other.get(url(question)),
        await other.post(url(question, "/respond"), json={"answer": True}),
    ):
        assert problem(answer, 404)["code"] == "approval_not_found"
    missing = await other.get(f"/api/v1/runs/{question['run_id']}/approvals")
    assert problem(missing, 404)["code"] == "run_not_found"
    assert (await other.get("/api/v1/approvals")).json()["total"] == 0


@pytest.mark.parametrize("body", [{}, {"comment": "x"}, {"answer": True, "comment": "a\0b"}])
async def test_a_body_that_is_none_is_refused(client: Client, body: dict[str, Any]) -> None:
    question = await ask(client)
    problem(await client.post(url(question, "/respond"), json=body), 422)
