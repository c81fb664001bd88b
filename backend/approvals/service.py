"""Questions to people: list, look at and answer them.

A question with an assignee is for that user alone, one with a role for everybody who has at least
that role, one with both for either; one without is for every editor. Being an administrator is no
other way in: who else may answer is for the drawing to say. Everybody of the tenant may look.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from backend.actor import Actor, Role
from backend.approvals import due, projection
from backend.approvals.schemas import (
    ApprovalDetail,
    ApprovalStatus,
    ApprovalView,
    AskingRun,
    OpenApprovals,
    Respond,
)
from backend.artifacts import service as artifacts
from backend.database import fetch
from backend.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from backend.pagination import FIRST_PAGE, Page, PageRequest, paginate
from backend.runs import service as runs
from backend.runs.executor import executor
from backend.runs.schemas import RunView, StepView
from graphs.events import AnswerSource, ApprovalAnswer, ApprovalRequest, now
from graphs.json_schema import violations, with_defaults
from graphs.problems import pointer

__all__ = [
    "ApprovalFilter",
    "due",
    "get",
    "list_approvals",
    "list_of_run",
    "open_approvals",
    "projection",
    "respond",
]

STEPS_SHOWN = 20
"""Of the steps that ended before a question, the latest are shown beside it."""

_COLUMNS = (
    "id",
    "run_id",
    "workflow_id",
    "workflow_name",
    "node_id",
    "path",
    "status",
    "request",
    "answer",
    "answered_by",
    "comment",
    "source",
    "reminded_at",
    "created_at",
    "answered_at",
)
SORTS = {"created_at": "id"}
"""Ids begin with the time of the step that asks."""

_decode_request = msgspec.json.Decoder(ApprovalRequest).decode


class ApprovalFilter(Struct, frozen=True, kw_only=True):
    """Which questions; None does not filter. `mine`: open ones that the actor may answer.

    `search` finds parts of titles, questions and workflow names.
    """

    status: ApprovalStatus | None = None
    run_id: str | None = None
    workflow_id: str | None = None
    mine: bool = False
    search: str | None = None

    def conditions(self, actor: Actor) -> list[tuple[str, list[Any]]]:
        """The filter as conditions on table `approval`."""
        found: list[tuple[str, list[Any]]] = [("tenant_id = ?", [actor.tenant_id])]
        for column in ("status", "run_id", "workflow_id"):
            value: str | None = getattr(self, column)
            if value is not None:
                found.append((f"{column} = ?", [str(value)]))
        if self.mine:
            found.append(("status = 'open'", []))
            found.append(_meant_for(actor))
        if self.search:
            literal = self.search.lower().replace("\0", "")
            for sign in "!%_":
                literal = literal.replace(sign, f"!{sign}")
            found.append(("search_text LIKE ? ESCAPE '!'", [f"%{literal}%"]))
        return found


async def list_approvals(
    actor: Actor, filters: ApprovalFilter, page: PageRequest
) -> Page[ApprovalView]:
    """One page of the tenant's questions, the newest first unless sorted by `created_at`."""
    return await paginate(
        page,
        source="approval",
        columns=_COLUMNS,
        where=filters.conditions(actor),
        sorts=SORTS,
        default_sort="-created_at",
        to=lambda row: _view(row, actor),
    )


async def list_of_run(
    actor: Actor, run_id: str, page: PageRequest = FIRST_PAGE
) -> Page[ApprovalView]:
    """One page of the questions that a run has asked, in that order. Raises NotFound."""
    run = await runs.get(actor, run_id)
    in_order = replace(page, sort=page.sort or "created_at")
    return await list_approvals(actor, ApprovalFilter(run_id=run.id), in_order)


async def open_approvals(actor: Actor) -> OpenApprovals:
    """How many questions wait for an answer; cheap enough to be asked every few seconds."""
    mine, args = _meant_for(actor)
    rows = await fetch(
        f"SELECT count(*) AS open, count(*) FILTER (WHERE {mine}) AS mine FROM approval"
        " WHERE tenant_id = ? AND status = 'open'",
        *args,
        actor.tenant_id,
    )
    return OpenApprovals(open=rows[0]["open"], mine=rows[0]["mine"])


async def get(actor: Actor, approval_id: str) -> ApprovalDetail:
    """A question with the context of its run. Raises NotFound."""
    view = _view(await _row(actor, approval_id), actor)
    view = replace(view, details=await artifacts.as_stored(actor, view.details))
    run = await runs.get(actor, view.run_id)
    asking = await _asking_step(actor, view)
    asked = _asking_run(run)
    return ApprovalDetail(
        **{name: getattr(view, name) for name in ApprovalView.__struct_fields__},
        run=replace(asked, inputs=await artifacts.as_stored(actor, asked.inputs)),
        node_name=(asking.name if asking else None) or view.node_id,
        arrived=await artifacts.as_stored(actor, asking.input) if asking else None,
        steps=[await _as_stored(actor, step) for step in await _before(actor, view)],
    )


async def respond(actor: Actor, approval_id: str, request: Respond) -> ApprovalView:
    """Answer a question; when this returns, the answer is stored and the run goes on.

    Raises NotFound, Forbidden for whom it is not meant, Conflict once it is answered
    (`approval_answered`) or closed (`approval_closed`), and Invalid for an answer that does not
    satisfy its schema.
    """
    view = _view(await _row(actor, approval_id), actor)
    _refuse_others(actor, view)
    _refuse_settled(view)
    answer = with_defaults(view.answer_schema, request.answer)
    _refuse_unfit(view, answer)
    given = ApprovalAnswer(
        approval_id=view.id,
        source=AnswerSource.PERSON,
        answer=answer,
        by=actor.username,
        comment=(request.comment or "").strip() or None,
    )
    try:
        await executor().answer(view.run_id, view.id, given)
    except Conflict:
        # somebody else was faster, or the run has just ended: say which, and who
        _refuse_settled(_view(await _row(actor, approval_id), actor))
        raise
    return _view(await _row(actor, approval_id), actor)


async def _row(actor: Actor, approval_id: str) -> dict[str, Any]:
    rows = await fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM approval WHERE id = ? AND tenant_id = ?",
        approval_id.replace("\0", ""),
        actor.tenant_id,
    )
    if not rows:
        raise NotFound("There is no such question.", code="approval_not_found")
    return rows[0]


def _meant_for(actor: Actor) -> tuple[str, list[Any]]:
    """The questions that the actor may answer, as a condition."""
    roles = [role.value for role in Role if actor.may(role)]
    marks = ", ".join("?" * len(roles))
    sql = f"(assignee = ? OR role IN ({marks})"
    if actor.may(Role.EDITOR):
        sql += " OR (assignee IS NULL AND role IS NULL)"
    return f"{sql})", [actor.username, *roles]


def _may_answer(actor: Actor, assignee: str | None, role: Role | None) -> bool:
    if assignee is None and role is None:
        return actor.may(Role.EDITOR)
    return assignee == actor.username or (role is not None and actor.may(role))


def _refuse_others(actor: Actor, view: ApprovalView) -> None:
    if view.may_answer:
        return
    if view.assignee is None and view.role is None:
        actor.require(Role.EDITOR)
    meant = [f"the user {view.assignee}"] if view.assignee else []
    if view.role is not None:
        meant.append(f"everybody with the role {view.role}")
    raise Forbidden(f"The question is for {' and '.join(meant)}.", code="not_assignee")


def _refuse_settled(view: ApprovalView) -> None:
    match view.status:
        case ApprovalStatus.ANSWERED:
            by = view.answered_by or "The default answer"
            raise Conflict(
                f"{by} was faster: the question is answered already.",
                code="approval_answered",
                extra={"answered_by": view.answered_by, "answered_at": view.answered_at},
            )
        case ApprovalStatus.EXPIRED:
            raise Conflict("Its deadline has passed.", code="approval_closed")
        case ApprovalStatus.CANCELLED:
            raise Conflict("The run does not wait for it any more.", code="approval_closed")
        case ApprovalStatus.OPEN:
            if view.deadline_at is not None and view.deadline_at <= now():
                raise Conflict("Its deadline has just passed.", code="approval_closed")


def _refuse_unfit(view: ApprovalView, answer: Any) -> None:
    wrong = violations(view.answer_schema, answer)
    if wrong:
        errors = [
            FieldError(
                pointer("/answer", found.path),
                "missing" if found.missing else "invalid",
                found.message,
            )
            for found in wrong
        ]
        detail = "The answer does not fit the question."
        raise Invalid(detail, code="answer_invalid", errors=errors)


def _view(row: dict[str, Any], actor: Actor) -> ApprovalView:
    request = _decode_request(row["request"])
    role = None if request.role is None else Role(request.role)
    answer = row["answer"]
    source = row["source"]
    return ApprovalView(
        id=row["id"],
        run_id=row["run_id"],
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        node_id=row["node_id"],
        path=row["path"],
        status=ApprovalStatus(row["status"]),
        kind=request.kind,
        title=request.title,
        message=request.message,
        answer_schema=request.answer_schema,
        details=request.context,
        assignee=request.assignee,
        role=role,
        may_answer=_may_answer(actor, request.assignee, role),
        default_answer=request.default_answer,
        deadline_at=request.deadline_at,
        remind_at=request.remind_at,
        reminded_at=row["reminded_at"],
        created_at=row["created_at"],
        answer=UNSET if answer is None else msgspec.json.decode(answer),
        answered_by=row["answered_by"],
        comment=row["comment"],
        source=None if source is None else AnswerSource(source),
        answered_at=row["answered_at"],
    )


def _asking_run(run: RunView) -> AskingRun:
    return AskingRun(
        id=run.id,
        status=run.status,
        version=run.version,
        trigger=run.trigger,
        inputs=run.inputs,
        created_at=run.created_at,
        started_at=run.started_at,
    )


async def _as_stored(actor: Actor, step: StepView) -> StepView:
    """A step whose tables show the rows that they hold, whatever was written into a reference."""
    output = await artifacts.as_stored(actor, step.output)
    return step if output == step.output else replace(step, output=output)


async def _asking_step(actor: Actor, view: ApprovalView) -> StepView | None:
    try:
        return await runs.step(actor, view.run_id, view.id)
    except NotFound:
        return None


async def _before(actor: Actor, view: ApprovalView) -> list[StepView]:
    """The steps that a person may want to see: finished before, in the same iteration or around."""
    parts = view.path.split("/") if view.path else []
    around: list[str | None] = [None, *("/".join(parts[: n + 1]) for n in range(len(parts)))]
    until = view.answered_at or now()
    found = await runs.steps_before(actor, view.run_id, around, until, STEPS_SHOWN + 1)
    return [step for step in found if step.id != view.id][-STEPS_SHOWN:]
