"""Versions through the API: publish, activate, compare, restore, roll back, and what runs use."""

import asyncio
from typing import Any

from httpx import AsyncClient as Client

from backend.actor import Actor, Role
from backend.settings import Settings
from backend.workflows import service
from backend.workflows.schemas import CreateWorkflow, PublishVersion
from graphs.definition import Definition, Node
from tests.backend.test_workflows import BROKEN, GREETING, create, draft_url, problem


def saying(text: str) -> dict[str, Any]:
    """The greeting with another text."""
    start, greet = GREETING["nodes"]
    return {**GREETING, "nodes": [start, {**greet, "params": {"fields": {"text": text}}}]}


async def save(client: Client, workflow: dict[str, Any], definition: dict[str, Any]) -> None:
    answer = await client.put(
        draft_url(workflow), json={"definition": definition}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text


async def publish(client: Client, workflow: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/workflows/{workflow['id']}/versions", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def with_versions(client: Client, *texts: str) -> tuple[dict[str, Any], str]:
    """A workflow with a version for each text, and its address."""
    workflow = await create(client, definition=saying(texts[0]))
    await publish(client, workflow)
    for text in texts[1:]:
        await save(client, workflow, saying(text))
        await publish(client, workflow)
    return workflow, f"/api/v1/workflows/{workflow['id']}"


async def said_by_a_run(client: Client, url: str, **fields: Any) -> str:
    answer = await client.post(f"{url}/runs", json=fields, headers={"Prefer": "wait=10"})
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"]["greet"]["text"]


async def test_publishing_makes_numbered_versions_and_activates_them(client: Client) -> None:
    workflow = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{workflow['id']}"
    answer = await client.post(
        f"{url}/versions", json={"description": "The first", "label": "1.0.0"}
    )
    first = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{url}/versions/1"
    assert (first["number"], first["active"], first["label"]) == (1, True, "1.0.0")
    await save(client, workflow, saying("Hi"))
    second = await publish(client, workflow, activate=False)
    assert (second["number"], second["active"]) == (2, False)
    now = (await client.get(url)).json()
    assert (now["active_version"], now["status"]) == (1, "active")

    listed = (await client.get(f"{url}/versions")).json()
    assert [(item["number"], item["active"]) for item in listed["items"]] == [
        (2, False),
        (1, True),
    ]
    assert listed["total"] == 2
    one = (await client.get(f"{url}/versions/1")).json()
    assert (one["description"], one["definition"]) == ("The first", workflow["definition"])
    problem(await client.get(f"{url}/versions/3"), 404, "version_not_found")
    problem(await client.get(f"{url}/versions/99999999999"), 404, "version_not_found")


async def test_an_unchanged_draft_is_not_published_again(client: Client) -> None:
    workflow, url = await with_versions(client, "Hello")
    again = await client.post(f"{url}/versions")
    assert (again.status_code, again.json()["number"]) == (200, 1)
    assert (await publish(client, workflow, label="renamed"))["number"] == 2
    same_label = await client.post(f"{url}/versions", json={"label": "renamed"})
    assert (same_label.status_code, same_label.json()["number"]) == (200, 2)


async def test_an_unchanged_draft_can_be_activated_by_publishing(client: Client) -> None:
    workflow, url = await with_versions(client, "one")
    await save(client, workflow, saying("two"))
    await publish(client, workflow, activate=False)
    again = await client.post(f"{url}/versions", json={})
    assert (again.status_code, again.json()["number"], again.json()["active"]) == (200, 2, True)


async def test_a_draft_with_problems_is_not_published(client: Client) -> None:
    workflow = await create(client, definition=BROKEN, validate="none")
    url = f"/api/v1/workflows/{workflow['id']}"
    answer = await client.post(f"{url}/versions", json={})
    errors = problem(answer, 422, "definition_invalid")["errors"]
    assert {error.get("node_id") for error in errors} >= {"a", "b"}
    assert {(e["pointer"], e["code"]) for e in errors} >= {
        ("/definition/nodes/1/type", "unknown_node_type")
    }
    assert (await client.get(f"{url}/versions")).json()["items"] == []
    run = await client.post(f"{url}/runs", json={"version": "draft"})
    assert problem(run, 422, "definition_invalid")["errors"] == errors


async def test_what_was_seen_is_published_or_nothing(client: Client) -> None:
    workflow, url = await with_versions(client, "one")
    await save(client, workflow, saying("two"))
    stale = await client.post(f"{url}/versions", json={}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "stale")["revision"] == 2
    fresh = await client.post(f"{url}/versions", json={}, headers={"If-Match": '"2"'})
    assert fresh.status_code == 201


async def test_publishing_leaves_the_drafts_revision(client: Client) -> None:
    workflow, url = await with_versions(client, "one")
    answer = await client.put(
        draft_url(workflow), json={"definition": saying("two")}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert (await client.get(url)).headers["ETag"] == '"2"'


async def test_publications_at_the_same_moment_get_numbers_of_their_own(client: Client) -> None:
    workflow, url = await with_versions(client, "one")
    made = await asyncio.gather(*(publish(client, workflow, label=f"l{n}") for n in range(6)))
    assert sorted(version["number"] for version in made) == [2, 3, 4, 5, 6, 7]
    assert (await client.get(f"{url}/versions")).json()["total"] == 7


async def test_runs_use_the_version_they_ask_for(client: Client) -> None:
    workflow, url = await with_versions(client, "one", "two")
    await save(client, workflow, saying("three"))
    assert await said_by_a_run(client, url) == "two"
    assert await said_by_a_run(client, url, version=1) == "one"
    assert await said_by_a_run(client, url, version="draft") == "three"
    assert (await client.post(f"{url}/versions/1/activate")).json()["active"]
    assert await said_by_a_run(client, url) == "one"
    assert await said_by_a_run(client, f"/api/v1/workflows/{workflow['slug']}") == "one"
    missing = await client.post(f"{url}/runs", json={"version": 9})
    problem(missing, 404, "version_not_found")
    other = await create(client, "Unpublished", definition=GREETING)
    answer = await client.post(f"/api/v1/workflows/{other['id']}/runs", json={"version": "active"})
    problem(answer, 409, "workflow_not_published")


async def test_two_versions_or_the_draft_are_compared(client: Client) -> None:
    workflow, url = await with_versions(client, "one", "two")
    moved = saying("two")
    moved["nodes"][1]["position"] = {"x": 640, "y": 160}
    await save(client, workflow, moved)
    told = (await client.get(f"{url}/versions/compare?from=1&to=2")).json()
    assert (told["from"], told["to"], told["identical"]) == (1, 2, False)
    assert told["nodes"]["changed"] == [
        {
            "id": "greet",
            "type": "set_fields",
            "name": "",
            "changes": [{"pointer": "/params/fields/text", "before": "one", "after": "two"}],
        }
    ]
    draft = (await client.get(f"{url}/versions/compare?from=active")).json()
    assert (draft["from"], draft["to"]) == (2, None)
    assert draft["nodes"]["changed"] == []
    assert draft["nodes"]["moved"] == [
        {
            "id": "greet",
            "before": {"position": {"x": 320.0, "y": 0.0}},
            "after": {"position": {"x": 640.0, "y": 160.0}},
        }
    ]
    for query, status in [("", 422), ("from=0", 422), ("from=x", 422), ("from=9", 404)]:
        answer = await client.get(f"{url}/versions/compare?{query}")
        assert answer.status_code == status, answer.text


async def test_a_version_is_restored_into_the_draft(client: Client) -> None:
    _, url = await with_versions(client, "one", "two")
    stale = await client.post(f"{url}/versions/1/restore", headers={"If-Match": '"1"'})
    problem(stale, 412, "stale")
    answer = await client.post(f"{url}/versions/1/restore")
    draft = answer.json()
    assert (draft["revision"], answer.headers["ETag"]) == (3, '"3"')
    assert draft["definition"]["nodes"][1]["params"]["fields"]["text"] == "one"
    assert draft["problems"] == []
    assert draft["active_version"] == 2


async def test_rolling_back_activates_an_earlier_version(client: Client) -> None:
    _, url = await with_versions(client, "one", "two", "three")
    assert (await client.post(f"{url}/rollback")).json()["number"] == 2
    assert (await client.post(f"{url}/rollback", json={})).json()["number"] == 1
    problem(await client.post(f"{url}/rollback"), 409, "nothing_to_roll_back")
    assert (await client.post(f"{url}/rollback", json={"number": 3})).json()["number"] == 3
    problem(await client.post(f"{url}/rollback", json={"number": 7}), 404, "version_not_found")
    draft = await create(client, "Draft")
    answer = await client.post(f"/api/v1/workflows/{draft['id']}/rollback")
    problem(answer, 409, "nothing_to_roll_back")


async def test_a_version_is_deleted_unless_it_is_active(client: Client) -> None:
    workflow, url = await with_versions(client, "one", "two")
    problem(await client.delete(f"{url}/versions/2"), 409, "version_active")
    run = await client.post(f"{url}/runs", json={"version": 1}, headers={"Prefer": "wait=10"})
    assert (await client.delete(f"{url}/versions/1")).status_code == 204
    problem(await client.delete(f"{url}/versions/1"), 404, "version_not_found")
    problem(await client.get(f"{url}/versions/1"), 404, "version_not_found")
    steps = await client.get(f"/api/v1/runs/{run.json()['id']}/steps")
    assert "greet" in {step["node_id"] for step in steps.json()["items"]}

    await client.post(f"{url}/rollback", json={"number": 2})
    await save(client, workflow, saying("three"))
    await publish(client, workflow)
    await client.post(f"{url}/versions/2/activate")
    await client.delete(f"{url}/versions/3")
    await save(client, workflow, saying("four"))
    assert (await publish(client, workflow))["number"] == 4


async def test_schemas_and_inputs_are_those_of_the_version(client: Client) -> None:
    workflow, url = await with_versions(client, "one")
    changed = {**saying("two"), "inputs": {"type": "object", "required": ["n"]}}
    changed["nodes"][1]["params"] = {"fields": {"text": "two"}}
    await save(client, workflow, changed)
    assert (await client.get(f"{url}/input-schema")).json()["required"] == ["city"]
    draft = await client.get(f"{url}/input-schema?version=draft")
    assert draft.json() == {"type": "object", "properties": {}, "required": ["n"]}
    check = f"{url}/validate-input"
    assert (await client.post(check, json={"inputs": {}})).json()["valid"]
    bad = await client.post(f"{check}?version=draft", json={"inputs": {}})
    assert bad.json()["problems"][0]["code"] == "input_missing"
    exported = await client.get(f"{url}/export?version=1")
    assert exported.json()["definition"]["inputs"]["required"] == ["city"]
    wrong = await client.get(f"{url}/export?version=newest")
    assert problem(wrong, 422, "invalid_parameter")["errors"][0]["pointer"] == "?version"


async def test_both_databases_keep_workflows_alike(database: Settings) -> None:
    anna = Actor("u1", "anna", "t1", Role.EDITOR)
    other = Actor("u2", "otto", "t2", Role.EDITOR)
    definition = Definition(nodes=[Node(id="start", type="start")])
    made = await service.create(
        anna, CreateWorkflow(name="Ünder_score", tags=["Tag"], definition=definition)
    )
    same = await service.create(other, CreateWorkflow(name="Ünder_score", definition=definition))
    assert made.slug == same.slug == "under-score"
    for actor, workflow in ((anna, made), (other, same)):
        published = await service.publish(actor, workflow.id, PublishVersion())
        assert published.created
        target = await service.resolve(actor, workflow.slug, None)
        assert (target.workflow_id, target.version) == (workflow.id, 1)
        found = await service.definition_by_hash(actor.tenant_id, target.definition_hash)
        assert found == definition
    for filters in (
        service.WorkflowFilter(search="ÜNDER_S tag"),
        service.WorkflowFilter(tag="Tag"),
    ):
        assert [item.id for item in (await service.list_workflows(anna, filters)).items] == [
            made.id
        ]
    assert (await service.list_workflows(anna, service.WorkflowFilter(tag="tag"))).items == []
    await service.delete(anna, made.id)
    again = await service.create(anna, CreateWorkflow(name="Under score"))
    assert (again.slug, (await service.restore(anna, made.id)).slug) == (
        "under-score",
        "under-score-2",
    )
