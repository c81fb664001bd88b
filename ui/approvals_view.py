"""Questions to people as HTML: the inbox's list, a question's head, how it ended, its context."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from msgspec import UNSET, Struct

from backend.approvals.schemas import ApprovalDetail, ApprovalStatus, ApprovalView
from graphs.events import AnswerSource, ApprovalKind
from graphs.tables.picture import is_chart
from ui.controls import status_html
from ui.data_view import data_html
from ui.formats import ago, at, trigger_word, until
from ui.forms import choice_labels
from ui.step_names import title_of_step
from ui.theme import templates

STATUS_ICONS = {
    ApprovalStatus.OPEN: "help_outline",
    ApprovalStatus.ANSWERED: "check_circle",
    ApprovalStatus.EXPIRED: "timer_off",
    ApprovalStatus.CANCELLED: "block",
}


class ApprovalGroup(Struct, frozen=True):
    """Questions under a heading; without a title there is none."""

    title: str
    items: Sequence[ApprovalView]


def answer_word(view: ApprovalView) -> str:
    """The answer in a word or two."""
    if view.answer is UNSET:
        return ""
    answer: Any = view.answer
    match view.kind:
        case ApprovalKind.CONFIRMATION:
            return "Yes" if answer else "No"
        case ApprovalKind.CHOICE:
            values: list[Any] = view.answer_schema.get("enum", [])
            at_ = values.index(answer) if answer in values else None
            return str(answer) if at_ is None else choice_labels(view.answer_schema)[at_]
        case ApprovalKind.TEXT:
            return str(answer)
        case ApprovalKind.FORM:
            return "Filled in"


def meant_for(view: ApprovalView) -> str:
    """Who may answer, as words."""
    words = [view.assignee] if view.assignee else []
    if view.role is not None:
        words.append(f"every {view.role}" if view.role != "admin" else "every administrator")
    return " or ".join(words) or "every editor"


def list_html(groups: Sequence[ApprovalGroup], chosen: str | None) -> Markup:
    """The inbox's list; the chosen question is marked."""
    made = templates.get_template("approvals_list.html").render(
        groups=[group for group in groups if group.items],
        chosen=chosen,
        icons=STATUS_ICONS,
        ago=ago,
        until=until,
        answer_word=answer_word,
        meant_for=meant_for,
    )
    return Markup(made)


def head_html(view: ApprovalDetail) -> Markup:
    """What is asked, by what, of whom, until when."""
    made = templates.get_template("approval_head.html").render(
        view=view, ago=ago, until=until, at=at, meant_for=meant_for(view)
    )
    return Markup(made)


def outcome_html(view: ApprovalDetail) -> Markup:
    """How a question that is no longer open ended."""
    made = templates.get_template("approval_outcome.html").render(
        view=view,
        icon=STATUS_ICONS[view.status],
        word=answer_word(view),
        long=view.kind in (ApprovalKind.FORM, ApprovalKind.TEXT),
        data=data_html(None if view.answer is UNSET else view.answer),
        source=AnswerSource,
        at=at,
    )
    return Markup(made)


def context_html(view: ApprovalDetail) -> Markup:
    """The run beside the question: inputs, what arrived, what the steps before put out."""

    def picture_of(value: Any) -> str | None:
        made = (step for step in view.steps if is_chart(value) and step.output == value)
        step = next(made, None)
        return step and f"/api/v1/runs/{view.run_id}/steps/{step.id}/chart?format=svg"

    made = templates.get_template("approval_context.html").render(
        view=view,
        picture_of=picture_of,
        title_of=title_of_step,
        status=status_html(view.run.status, pill=True),
        trigger=trigger_word(view.run.trigger),
        data_html=data_html,
        at=at,
    )
    return Markup(made)
