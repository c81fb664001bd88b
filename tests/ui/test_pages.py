"""The pages as a browser gets them: who is let in, what is on them, what they never do."""

import re

import httpx
import pytest

from backend.actor import Actor
from backend.runs import service as runs
from backend.runs.schemas import StartRun
from backend.workflows import service as workflows
from backend.workflows.schemas import CreateWorkflow
from tests.conftest import application, client_of

PRIVATE = ["/", "/runs", "/users", "/workflows/x", "/runs/x", "/nothing/here"]
PUBLIC = ["/login", "/help", "/help/nodes", "/help/errors/not_found", "/favicon.ico"]
EXTERNAL = re.compile(r"""(?:src|href|url\(|import\s+)=?\s*["'(]?\s*(?:https?:)?//[^\s"')]+""")
NASTY = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.mark.parametrize("path", PRIVATE)
async def test_strangers_are_sent_to_sign_in(app_client: httpx.AsyncClient, path: str) -> None:
    answer = await app_client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == ("/login" if path == "/" else f"/login?next={path}")


async def test_a_query_survives_signing_in(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.get("/runs?status=failed&search=a%20b")
    target = httpx.URL(answer.headers["location"]).params["next"]
    assert httpx.URL(target) == httpx.URL("/runs?status=failed&search=a%20b")


@pytest.mark.parametrize("path", PUBLIC)
async def test_some_pages_are_open_to_all(app_client: httpx.AsyncClient, path: str) -> None:
    assert (await app_client.get(path)).status_code == 200


async def test_a_forged_cookie_lets_nobody_in(app_client: httpx.AsyncClient) -> None:
    app_client.cookies.set("heddle_token", "eyJhbGciOiJub25lIn0.e30.")
    assert (await app_client.get("/runs")).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/runs?x=1", "/runs?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\n/b", "/"),
    ],
)
async def test_signing_in_never_leads_elsewhere(
    visitor: httpx.AsyncClient, wanted: str, given: str
) -> None:
    answer = await visitor.get("/login", params={"next": wanted})
    assert answer.status_code == 303
    assert answer.headers["location"] == given


async def test_setup_is_closed_once_there_is_an_account(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.get("/setup")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/", "/runs", "/users"])
async def test_pages_are_drawn(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert '<nav class="rail"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_workflow_and_its_runs_have_pages(visitor: httpx.AsyncClient, admin: Actor) -> None:
    workflow = await workflows.create(admin, CreateWorkflow(name="Order triage"))
    run = await runs.start(admin, workflow.id, StartRun(version="draft"))
    await runs.wait(admin, run.id, 5)
    assert "Order triage" in (await visitor.get("/")).text
    assert "Order triage" in (await visitor.get(f"/workflows/{workflow.id}")).text
    listed = (await visitor.get("/runs")).text
    assert run.id in listed
    assert "Completed" in listed
    shown = (await visitor.get(f"/runs/{run.id}")).text
    assert "Order triage" in shown
    assert "1 of 1 node" in shown


@pytest.mark.parametrize("path", ["/nothing", "/workflows/nothing", "/runs/nothing", "/help/x"])
async def test_what_is_missing_has_a_friendly_page(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert '<nav class="rail"' in answer.text
    assert "Traceback" not in answer.text


async def test_another_tenants_workflow_is_not_there(
    visitor: httpx.AsyncClient, other_tenant_client: httpx.AsyncClient
) -> None:
    made = await other_tenant_client.post("/api/v1/workflows", json={"name": "Theirs"})
    assert made.status_code == 201, made.text
    answer = await visitor.get(f"/workflows/{made.json()['id']}")
    assert answer.status_code == 404
    assert "Theirs" not in (await visitor.get("/")).text


async def test_a_viewer_is_offered_nothing_that_changes(viewer: httpx.AsyncClient) -> None:
    page = (await viewer.get("/")).text
    assert "New workflow" not in page
    assert 'href="/users"' not in page
    refused = await viewer.get("/users")
    assert refused.status_code == 403
    assert "This is not open to you" in refused.text


async def test_names_are_shown_and_never_obeyed(visitor: httpx.AsyncClient, admin: Actor) -> None:
    workflow = await workflows.create(admin, CreateWorkflow(name=NASTY, description=NASTY))
    run = await runs.start(admin, workflow.id, StartRun(version="draft"))
    for path in ("/", "/runs", f"/workflows/{workflow.id}", f"/runs/{run.id}"):
        page = (await visitor.get(path)).text
        assert "<img src=x" not in page
        assert '<script>alert("x")' not in page


@pytest.mark.parametrize("path", ["/", "/runs", "/users", "/help/api", "/help/nodes", "/login"])
async def test_pages_load_nothing_from_elsewhere(visitor: httpx.AsyncClient, path: str) -> None:
    page = (
        (await client_of(application(visitor)).get(path)).text
        if path == "/login"
        else (await visitor.get(path)).text
    )
    assert EXTERNAL.findall(page) == []


async def test_assets_are_kept_by_browsers(app_client: httpx.AsyncClient) -> None:
    page = (await app_client.get("/login")).text
    found = re.findall(r'"(/ui-assets/[^"]+)"', page)
    assert len(found) >= 3
    for url in found:
        answer = await app_client.get(url)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["cache-control"]
    assert (await app_client.get("/ui-assets/../theme.py")).status_code != 200
