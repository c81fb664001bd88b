"""What the approval endpoints take and give, as msgspec structs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from backend.actor import Role
from backend.runs.schemas import StepView, Trigger
from backend.runs.status import RunStatus
from graphs.events import AnswerSource, ApprovalKind

Comment = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*$")]


class ApprovalStatus(StrEnum):
    """Where a question stands; only `open` changes."""

    OPEN = "open"
    ANSWERED = "answered"
    """By a person, or by its deadline's default answer."""
    EXPIRED = "expired"
    """Its deadline passed without a default answer."""
    CANCELLED = "cancelled"
    """The run, or the step that asked, ended without the answer."""


class ApprovalView(Struct, frozen=True, kw_only=True):
    """A question to a person. Its id is the id of the step that asks.

    `answer_schema` is the JSON Schema of the answer; for a choice `x-labels` are what people read.
    `assignee` is a user name and `role` the least role that may answer; without either every
    editor may. `may_answer`: whether you may. `default_answer` is absent when there is none.
    """

    id: str
    run_id: str
    workflow_id: str
    workflow_name: str
    node_id: str
    path: str | None = None
    status: ApprovalStatus
    kind: ApprovalKind
    title: str = ""
    message: str
    answer_schema: dict[str, Any]
    details: Any = None
    assignee: str | None = None
    role: Role | None = None
    may_answer: bool = False
    default_answer: Any | UnsetType = UNSET
    deadline_at: datetime | None = None
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    created_at: datetime
    answer: Any | UnsetType = UNSET
    answered_by: str | None = None
    comment: str | None = None
    source: AnswerSource | None = None
    answered_at: datetime | None = None

    @property
    def headline(self) -> str:
        """The title, else the question's first line."""
        return self.title or next(iter(self.message.strip().splitlines()), "")


class AskingRun(Struct, frozen=True, kw_only=True):
    """The run that waits for the answer. `version` null is a frozen draft."""

    id: str
    status: RunStatus
    version: int | None
    trigger: Trigger
    inputs: dict[str, Any]
    created_at: datetime
    started_at: datetime | None


class ApprovalDetail(ApprovalView, frozen=True, kw_only=True):
    """A question with what a person needs to decide it.

    `arrived` is what reached the step that asks; `steps` are those that ended before it.
    """

    run: AskingRun
    node_name: str
    arrived: Any = None
    steps: list[StepView]


class Respond(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`answer`: true or false, an option's value, a text, or the form's data."""

    example: ClassVar[dict[str, Any]] = {"answer": True, "comment": "Looks right."}
    answer: Any
    comment: Comment | None = None


class OpenApprovals(Struct, frozen=True, kw_only=True):
    """How many questions are open, and how many of them you are meant to answer."""

    open: int
    mine: int
