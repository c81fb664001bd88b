"""What the pages do when somebody acts on them, through NiceGUI's simulated user."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from nicegui import ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User

from backend.accounts import service as accounts
from backend.accounts.schemas import UpdateUser
from backend.actor import Actor
from backend.database import fetch
from backend.pagination import PageRequest
from backend.workflows import service as workflows
from backend.workflows.schemas import CreateWorkflow
from ui.canvas.canvas import SaveResult, WorkflowCanvas


@pytest.fixture(autouse=True)
def saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser draws here: what the server has is what its canvas would save."""

    async def save(_: WorkflowCanvas) -> SaveResult:
        (workflow,) = await fetch("SELECT revision FROM workflow WHERE deleted_at IS NULL")
        return SaveResult(revision=workflow["revision"])

    monkeypatch.setattr(WorkflowCanvas, "save", save)


@pytest.fixture
async def user(visitor: httpx.AsyncClient) -> AsyncIterator[User]:
    """A simulated user of the real application, signed in as the administrator."""
    yield User(visitor)
    ui.navigate, ui.notify, ui.download = Navigate(), notify, download


async def test_search_narrows_the_list(user: User, admin: Actor) -> None:
    for name in ("Order triage", "Survey summary"):
        await workflows.create(admin, CreateWorkflow(name=name))
    await user.open("/")
    await user.should_see("Survey summary")
    user.find(kind=ui.input, marker="search").type("order")
    await user.should_not_see("Survey summary", retries=20)
    await user.should_see("Order triage")
    await user.should_not_see("Survey summary")
    user.find(kind=ui.input, marker="search").clear().type("nothing like it")
    await user.should_see("Nothing matches", retries=20)


async def test_an_empty_list_offers_a_beginning(user: User, admin: Actor) -> None:
    await user.open("/")
    await user.should_see("No workflows yet")


async def test_a_workflow_is_made_from_the_gallery(user: User, admin: Actor) -> None:
    await user.open("/")
    user.find("new-workflow").click()
    await user.should_see("Blank")
    await user.should_see("Order triage")
    user.find("workflow-name").type("My first")
    user.find("create-workflow").trigger("submit.prevent")
    await user.should_see("Versions", retries=20)
    assert [item.name for item in (await workflows.list_workflows(admin)).items] == ["My first"]


async def test_the_editor_renames_and_publishes(user: User, admin: Actor) -> None:
    made = await workflows.create(admin, CreateWorkflow(name="Before"))
    await user.open(f"/workflows/{made.id}")
    await user.should_see("Not published")
    await user.should_see("Not published")
    user.find("workflow-name").clear().type("After").trigger("blur")
    for _ in range(200):
        if (await workflows.get(admin, made.id)).name == "After":
            break
        await asyncio.sleep(0.01)
    user.find(kind=ui.button, marker="publish").click()
    await user.should_see("Freezes the drawing", retries=20)
    user.find("version-description").type("The first")
    user.find(kind=ui.button, marker="do-publish").click()
    await user.should_see("v1 active", retries=20)
    assert (await workflows.get(admin, made.id)).name == "After"
    versions = await workflows.list_versions(admin, made.id, PageRequest())
    assert [version.description for version in versions.items] == ["The first"]


async def test_problems_keep_a_drawing_from_being_published(user: User, admin: Actor) -> None:
    made = await workflows.create(admin, CreateWorkflow(name="Broken"))
    await workflows.put_draft(admin, made.id, type(made.definition)())
    await user.open(f"/workflows/{made.id}")
    user.find(kind=ui.button, marker="publish").click()
    await user.should_see("Not ready to publish", retries=20)
    await user.should_see("1 problem must be solved first.")


async def test_an_ended_session_cannot_act(user: User, admin: Actor) -> None:
    made = await workflows.create(admin, CreateWorkflow(name="Kept"))
    await user.open(f"/workflows/{made.id}")
    led_to: list[str] = []
    user.navigate.to = led_to.append  # type: ignore[method-assign]
    await accounts.update_user(admin, admin.user_id, UpdateUser(password="another good password"))
    user.find("workflow-name").clear().type("Stolen").trigger("blur")
    for _ in range(20):
        await asyncio.sleep(0.05)
        if led_to:
            break
    assert led_to == [f"/login?next=/workflows/{made.id}"]
    assert (await workflows.get(admin, made.id)).name == "Kept"
