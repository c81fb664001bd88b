"""The workflow canvas as a NiceGUI element; what it draws and does lives in the bundle (`src/`)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from nicegui import ui
from nicegui.events import GenericEventArguments

HERE = Path(__file__).parent
Handler = Callable[[GenericEventArguments], Any]


def _bundle() -> str:
    """The built bundle's directory, which is named after its content."""
    found = sorted(path.parent for path in (HERE / "dist").glob("*/index.js"))
    if len(found) != 1:
        raise RuntimeError("The canvas is not built: run `npm ci && npm run build` in ui/canvas.")
    return str(found[0].relative_to(HERE))


SAVING_TIMEOUT_S = 15.0


class SaveResult(Struct, frozen=True):
    """`revision` is what the server has now; `detail` why it has not got the drawing."""

    revision: int | None = None
    detail: str = ""


class WorkflowCanvas(ui.element, component="heddle_canvas.js", esm={"heddle-canvas": _bundle()}):
    """The editor of one workflow, or one of its runs on the drawing it was started with.

    It reads and writes `/api/v1` itself, with the visitor's cookie. `on_select` gets
    `{"node_id", "ids"}`, `on_state` `{"save", "problems", "revision"}` whenever one of them
    changes, `on_run` `{"run_id", "status"}`, and `on_page` `{"command"}` when something is asked
    for that the page does, such as `versions`. `may_steer`: whether the visitor may start, pause
    and cancel runs; by default whoever may draw, may.
    """

    def __init__(
        self,
        *,
        workflow_id: str,
        mode: Literal["edit", "run"] = "edit",
        run_id: str | None = None,
        read_only: bool = False,
        may_steer: bool | None = None,
        on_select: Handler | None = None,
        on_state: Handler | None = None,
        on_run: Handler | None = None,
        on_page: Handler | None = None,
    ) -> None:
        super().__init__()
        self._props.update(
            {
                "workflow-id": workflow_id,
                "mode": mode,
                "run-id": run_id,
                "read-only": read_only,
            }
        )
        if may_steer is not None:
            self._props["may-steer"] = may_steer
        for event, handler in (
            ("wf_select", on_select),
            ("wf_state", on_state),
            ("wf_run", on_run),
            ("wf_page", on_page),
        ):
            if handler is not None:
                self.on(event, handler)

    def reload(self) -> None:
        """Read the workflow again, after its draft was replaced on the server."""
        self.run_method("reload")

    async def save(self) -> SaveResult:
        """Save what is drawn, now; returns when the server has it, or has refused it."""
        try:
            answer = await self.run_method("save", timeout=SAVING_TIMEOUT_S)
        except TimeoutError:
            answer = {"detail": "The drawing could not be saved in time. Try again."}
        return msgspec.convert(answer, SaveResult)

    def start_run(
        self, mode: Literal["full", "mock", "debug"] = "full", *, ask: bool = False
    ) -> None:
        """Start a run of the draft; asks for its inputs first when it has any.

        With `ask`, its form is shown in any case: for the mode and the limits.
        """
        self.run_method("startRun", mode, ask)

    def focus_node(self, node_id: str) -> None:
        """Select a node and bring it into view."""
        self.run_method("focusNode", node_id)

    def open_run(self, run_id: str) -> None:
        """Show a run, past or present, on the nodes."""
        self.run_method("openRun", run_id)
