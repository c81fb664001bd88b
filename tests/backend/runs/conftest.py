"""What the tests of runs stand on: an executor in this process, workflows, and who starts them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.database import close_database, open_database
from backend.run_hooks import run_hooks
from backend.runs.executor import Executor, close_executor, open_executor
from backend.runs.schemas import RunView, StartRun, StepView
from backend.runs.service import running_steps, start_and_wait
from backend.settings import Settings
from backend.workflows import service as workflows
from backend.workflows.schemas import CreateWorkflow, PublishVersion
from graphs.definition import Definition
from tests.backend.runs.door import Door
from tests.conftest import PASSWORD, client_of, running, sign_in


@pytest.fixture
async def sqlite_database(settings: Settings) -> AsyncIterator[Settings]:
    """An open, migrated, empty SQLite database."""
    await open_database(settings)
    yield settings
    await close_database()


@pytest.fixture
async def executor(database: Settings) -> AsyncIterator[Executor]:
    """The executor of this process, on a database of either kind."""
    yield await open_executor(database, run_hooks())
    await close_executor()


class Editor:
    """A user of a tenant of its own, with short ways to what tests do."""

    def __init__(self, role: Role = Role.ADMIN) -> None:
        self.actor = Actor(str(uuid7()), "ann", str(uuid7()), role)

    async def publish(self, definition: Definition, name: str = "Flow") -> str:
        """A published workflow's id."""
        made = await workflows.create(self.actor, CreateWorkflow(name=name, definition=definition))
        await workflows.publish(self.actor, made.id, PublishVersion())
        return made.id

    async def run(self, definition: Definition, **inputs: Any) -> RunView:
        """A finished run of the definition."""
        workflow_id = await self.publish(definition)
        return await start_and_wait(self.actor, workflow_id, StartRun(inputs=inputs), 20)

    async def until_steps_run(self, count: int) -> list[StepView]:
        """The running steps once there are so many of them."""
        for _ in range(1000):
            steps = (await running_steps(self.actor)).items
            if len(steps) >= count:
                return steps
            await asyncio.sleep(0.01)
        raise AssertionError(f"never {count} steps at once")


@pytest.fixture
def editor(executor: Executor) -> Editor:
    """Somebody who may do everything in a tenant of her own."""
    return Editor()


@pytest.fixture
async def door(any_settings: Settings) -> AsyncIterator[Door]:
    """A signed-in client of the running application, on a database of either kind."""
    # tests of the engine do without the seconds that the pages take to import
    from backend.app import create_app

    app = create_app(any_settings)
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)
        yield Door(client)
