"""The templates: each is valid, well laid out, and does its task without a key or a network."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from httpx import AsyncClient as Client

from backend.actor import Actor, Role
from backend.app import create_app
from backend.settings import Settings
from backend.workflows import service
from backend.workflows.gallery import documents
from backend.workspaces.service import open_workspaces
from graphs.compile import compile_definition
from graphs.definition import Body, Definition, Edge, Node
from graphs.events import RunCompleted, RunEnd
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Services
from graphs.registry import registry
from graphs.scope import RunControl
from graphs.validate import check_inputs, validate
from tests.backend.test_workflows import problem
from tests.conftest import PASSWORD, client_of, running, sign_in

TEMPLATES = sorted(documents())
CARD = (224, 156)
"""The canvas draws cards of this width and at most this height."""
MARGIN = 16


async def end_of(name: str, inputs: dict[str, Any], allow: tuple[str, ...] = ()) -> RunEnd:
    definition = service.template(name).definition
    filled, problems = check_inputs(definition.inputs, inputs)
    assert problems == []
    return await run(
        compile_definition(definition),
        run_id="r",
        inputs=filled,
        journal=MemoryJournal(),
        services=Services(allow_hosts=allow),
        control=RunControl(),
    )


async def outputs_of(template: str, allow: tuple[str, ...] = (), /, **inputs: Any) -> Any:
    end = await end_of(template, inputs, allow)
    assert isinstance(end, RunCompleted), end
    return end.data.outputs


async def test_first_steps_asks_the_model() -> None:
    outputs = await outputs_of("first-steps", name="Bo", topic="wool")
    assert outputs["question"] == "Explain to Bo in three sentences: wool."
    assert outputs["answer"].endswith(outputs["question"])


async def test_unhappy_customers_get_a_reply_each() -> None:
    outputs = await outputs_of("feedback-replies")
    assert [row["customer"] for row in outputs["replies"]] == ["Amira", "Chen"]
    assert outputs["report"].startswith("2 replies to check and send:")
    assert "Dear Chen,\nThis is a mock answer" in outputs["report"]
    assert outputs["report"].count("The Heddle Textiles team") == 2
    nobody = await outputs_of("feedback-replies", reply_below=1)
    assert nobody == {"report": "No rating is below 1: nobody needs an answer.", "replies": []}


async def test_tickets_are_sorted_into_queues() -> None:
    outputs = await outputs_of("support-tickets")
    ids = {
        queue: [ticket["id"] for ticket in tickets] for queue, tickets in outputs["queues"].items()
    }
    assert ids == {
        "billing": ["T-301", "T-304"],
        "delivery": ["T-302", "T-305"],
        "technical": ["T-303"],
    }
    assert outputs["message"].startswith("Urgent now:\nT-302 (delivery)")
    calm = await outputs_of(
        "support-tickets", tickets=[{"id": "T-1", "text": "How do I oil the loom?"}]
    )
    assert calm["message"] == "Nothing urgent among 1 tickets."


@pytest.mark.parametrize(
    ("express", "price", "desk", "approval", "days"),
    [
        (True, 9000, "Express desk", False, "1 day."),
        (False, 9000, "Orders over the limit", True, "5 days."),
        (False, 90, "Warehouse", False, "3 days."),
    ],
)
async def test_orders_go_to_their_desk(
    express: bool, price: int, desk: str, approval: bool, days: str
) -> None:
    order = {
        "number": "A-7",
        "customer": "Ada",
        "express": express,
        "items": [{"article": "Loom", "quantity": 2, "price": price}],
    }
    outputs = await outputs_of("order-triage", order=order)
    assert (outputs["desk"], outputs["needs_approval"]) == (desk, approval)
    assert outputs["total"] == 2 * price
    assert outputs["letter"].startswith("Dear Ada,\n\nthank you for order A-7 (2 pieces")
    assert outputs["letter"].endswith(days)


async def test_an_invoice_is_added_up_by_tax_rate() -> None:
    right = await outputs_of("invoice-totals")
    assert (right["decision"], right["net"], right["tax"], right["gross"]) == (
        "pay",
        303.1,
        48.63,
        351.73,
    )
    assert [rate["tax_percent"] for rate in right["rates"]] == [7, 19]
    wrong = await outputs_of("invoice-totals", stated_total=362.73)
    assert wrong["decision"] == "query"
    assert wrong["message"].endswith("the invoice says 362.73, its lines add up to 351.73.")


async def test_a_survey_is_summed_up_question_by_question() -> None:
    outputs = await outputs_of("survey-summary")
    means = [row["mean"] for row in outputs["questions"]]
    assert means == sorted(means, reverse=True) == [4.25, 3.88, 2.62, 2.5]
    assert outputs["act_on"] == ["I have the tools I need", "My work fits into my week"]
    assert "Act on: I have the tools I need; " in outputs["summary"]


async def test_rows_are_checked_from_three_sides() -> None:
    outputs = await outputs_of("data-quality")
    assert outputs["missing"] == [{"row": 3, "column": "name"}, {"row": 5, "column": "country"}]
    assert outputs["repeated"] == [{"row": 3, "column": "id"}]
    assert outputs["out_of_range"] == [{"row": 6, "column": "age", "value": 312}]
    assert outputs["score"] == 67
    failed = await end_of("data-quality", {"pass_score": 90})
    assert failed.data.error.node_id == "reject"
    assert "scores 67 of 100, and 90 are needed" in failed.data.error.message


class OneAnswer(BaseHTTPRequestHandler):
    """Answers /up with 200 and all else with 503."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/up" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def web_server() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), OneAnswer)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_services_are_called_and_failures_told(web_server: str) -> None:
    urls = [f"{web_server}/up", f"{web_server}/down"]
    outputs = await outputs_of("endpoint-check", ("127.0.0.1",), urls=urls)
    assert [answer["url"] for answer in outputs["up"]] == urls[:1]
    assert "503" in outputs["down"][0]["detail"]
    assert outputs["message"].startswith("1 of 2 services do not answer:")
    calm = await outputs_of("endpoint-check", ("127.0.0.1",), urls=urls[:1])
    assert calm["message"] == "All 1 services answer."


async def test_private_addresses_are_refused_by_default() -> None:
    outputs = await outputs_of("endpoint-check")
    assert outputs["up"] == []
    assert "private network" in outputs["down"][0]["detail"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_run_at_once(name: str) -> None:
    document = service.template(name)
    assert validate(document.definition) == []
    assert check_inputs(document.definition.inputs, {})[1] == []
    assert document.description
    assert document.category
    assert document.tags
    assert document.definition.notes


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_reads_from_left_to_right_and_nothing_overlaps(name: str) -> None:
    definition = service.template(name).definition
    _assert_apart([*_boxes(definition), *_notes(definition)])
    _assert_left_to_right(definition.nodes, definition.edges)
    for node in definition.nodes:
        if node.body is not None:
            assert node.size is not None
            inside = _boxes(node.body)
            _assert_apart(inside)
            _assert_left_to_right(node.body.nodes, node.body.edges)
            for left, top, right, bottom in inside:
                assert left >= MARGIN
                assert top >= 48
                assert right <= node.size.width - MARGIN
                assert bottom <= node.size.height


Box = tuple[float, float, float, float]


def _boxes(graph: Definition | Body) -> list[Box]:
    boxes: list[Box] = []
    for node in graph.nodes:
        width, height = (node.size.width, node.size.height) if node.size else CARD
        x, y = node.position.x, node.position.y
        boxes.append((x, y, x + width, y + height))
    return boxes


def _notes(definition: Definition) -> list[Box]:
    return [
        (n.position.x, n.position.y, n.position.x + n.size.width, n.position.y + n.size.height)
        for n in definition.notes
    ]


def _assert_apart(boxes: list[Box]) -> None:
    for index, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[index + 1 :]:
            apart = other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top
            assert apart, (boxes[index], other)


def _assert_left_to_right(nodes: list[Node], edges: list[Edge]) -> None:
    x = {node.id: node.position.x for node in nodes}
    assert all(x[edge.target] >= x[edge.source] + 320 for edge in edges)


async def test_the_gallery_offers_every_template(client: Client) -> None:
    listed = (await client.get("/api/v1/templates")).json()
    assert sorted(item["name"] for item in listed["items"]) == TEMPLATES
    assert listed["items"][0]["name"] == "first-steps"
    assert listed["total"] == len(TEMPLATES) >= 6
    for item in listed["items"]:
        assert item["node_count"] >= len(item["preview"]["nodes"]) > 3
    one = (await client.get("/api/v1/templates/order-triage")).json()
    assert one["definition"]["nodes"][0]["type"] == "start"
    problem(await client.get("/api/v1/templates/none"), 404, "template_not_found")


async def test_a_template_becomes_a_workflow_that_runs(client: Client) -> None:
    answer = await client.post("/api/v1/templates/invoice-totals/use", json={"name": "Mine"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/workflows/{made['id']}"
    assert (made["name"], made["slug"], made["problems"]) == ("Mine", "mine", [])
    ended = await client.post(
        f"/api/v1/workflows/{made['id']}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=20"},
    )
    assert ended.json()["outputs"]["decision"] == "pay"
    plain = await client.post("/api/v1/templates/invoice-totals/use")
    assert plain.json()["name"] == "Check an invoice's totals"
    problem(await client.post("/api/v1/templates/none/use"), 404, "template_not_found")


async def test_a_sales_report_goes_out_when_a_person_says_so(client: Client) -> None:
    made = await client.post("/api/v1/templates/sales-report/use", json={})
    run = await client.post(
        f"/api/v1/workflows/{made.json()['id']}/runs", json={}, headers={"Prefer": "wait=30"}
    )
    assert run.json()["status"] == "paused", run.text
    (question,) = (await client.get("/api/v1/approvals?status=open")).json()["items"]
    assert question["message"].startswith("27 of 240 orders were dropped.")
    answered = await client.post(
        f"/api/v1/approvals/{question['id']}/respond", json={"answer": True}
    )
    assert answered.status_code == 200
    url = f"/api/v1/runs/{run.json()['id']}"
    stream = await client.get(f"{url}/events", headers={"Accept": "text/event-stream"})
    assert "event: run.completed" in stream.text
    ended = (await client.get(url)).json()
    assert ended["outputs"]["files"] == ["reports/sales.csv", "reports/sales.svg"]
    assert ended["outputs"]["regions"][0]["region"] == "North"
    (workspace,) = (await client.get("/api/v1/workspaces")).json()["items"]
    files = f"/api/v1/workspaces/{workspace['id']}/files"
    numbers = await client.get(f"{files}/reports/sales.csv")
    assert numbers.text.splitlines()[0] == "region,orders,units,revenue"
    assert len(numbers.text.splitlines()) == 5
    assert "<svg" in (await client.get(f"{files}/reports/sales.svg")).text


async def test_an_agent_works_out_an_answer_in_steps_of_its_own(client: Client) -> None:
    assert (await outputs_of("ask-the-data"))["answer"] == "5"
    made = await client.post("/api/v1/templates/ask-the-data/use", json={})
    run = await client.post(
        f"/api/v1/workflows/{made.json()['id']}/runs", json={}, headers={"Prefer": "wait=30"}
    )
    steps = (await client.get(f"/api/v1/runs/{run.json()['id']}/steps")).json()["items"]
    inner = [(step["path"], step["node_id"]) for step in steps if step["path"]]
    assert inner[:3] == [("agent[0]", "reason"), ("agent[0]", "act"), ("agent[1]", "reason")]


async def test_the_examples_are_loaded_once(database: Settings) -> None:
    await open_workspaces(database)
    actor = Actor("u", "ada", "t", Role.ADMIN)
    assert await service.load_examples(actor) == len(TEMPLATES)
    page = await service.list_workflows(actor)
    assert sorted(item.name for item in page.items) == sorted(
        document.name for document in documents().values()
    )
    assert {item.status.value for item in page.items} == {"active"}
    for item in page.items:
        await service.delete(actor, item.id)
    assert await service.load_examples(actor) == 0


async def test_the_first_account_finds_the_examples(
    make_settings: Callable[..., Settings],
) -> None:
    app = create_app(make_settings(admin_password=None, examples=True))
    async with running(app), client_of(app) as visitor:
        account = {"username": "ada", "password": PASSWORD}
        assert (await visitor.post("/api/v1/auth/setup", json=account)).status_code == 201
        await sign_in(visitor, "ada", PASSWORD)
        listed = (await visitor.get("/api/v1/workflows")).json()
        assert listed["total"] == len(TEMPLATES)
        made = listed["items"][0]
        assert made["slug"] == "first-steps"
        ended = await visitor.post(
            f"/api/v1/workflows/{made['id']}/runs", json={}, headers={"Prefer": "wait=20"}
        )
        assert ended.json()["status"] == "completed"


async def test_an_unattended_set_up_finds_the_examples_too(
    make_settings: Callable[..., Settings],
) -> None:
    for _ in range(2):
        app = create_app(make_settings(examples=True))
        async with running(app), client_of(app) as visitor:
            await sign_in(visitor, "admin", PASSWORD)
            assert (await visitor.get("/api/v1/workflows")).json()["total"] == len(TEMPLATES)


async def test_node_types_are_described_for_the_palette(client: Client) -> None:
    answer = await client.get("/api/v1/node-types")
    kinds = {item["type"]: item for item in answer.json()["items"]}
    assert set(kinds) == set(registry())
    for kind in kinds.values():
        assert kind["title"]
        assert kind["description"]
        assert kind["icon"]
        assert kind["params_schema"]["type"] == "object"
    assert [port["name"] for port in kinds["if"]["outputs"]] == ["true", "false"]
    assert kinds["switch"]["outputs_from"] == {"param": "cases", "key": "port"}
    assert kinds["merge"]["join_param"] == "mode"
    assert "join_param" not in kinds["if"]
    assert kinds["start"]["inputs"] == kinds["end"]["outputs"] == []
    assert kinds["for_each"]["container"]
