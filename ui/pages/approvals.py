"""The inbox: what runs ask people, with the run's context beside each question."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import UNSET
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import ValueChangeEventArguments
from starlette.requests import Request

from backend.actor import Actor
from backend.approvals import service as approvals
from backend.approvals.schemas import ApprovalDetail, ApprovalStatus, Respond
from backend.errors import AppError, Conflict, FieldError, Invalid, NotFound, Unauthorized
from backend.pagination import PageRequest
from graphs.events import ApprovalKind
from ui.approvals_view import (
    ApprovalGroup,
    context_html,
    head_html,
    list_html,
    meant_for,
    outcome_html,
)
from ui.controls import button, raw, text
from ui.formats import amount
from ui.forms import SchemaForm, choice_labels
from ui.session import Session, SignedIn
from ui.theme import frame

REFRESH_S = 2.0
SHOWN = 100
BUTTONS_AT_MOST = 4
LATEST = datetime.max.replace(tzinfo=UTC)
SHOWS = {"open": "Open", "answered": "Answered", "all": "All"}


@ui.page("/approvals")
async def inbox_page(session: SignedIn, request: Request) -> None:
    """The inbox, with the first question opened where there is room for it."""
    await _build(session, request, None)


@ui.page("/approvals/{approval_id}")
async def approval_page(session: SignedIn, request: Request, approval_id: str) -> None:
    """One question, beside the inbox where there is room. Raises NotFound."""
    await approvals.get(session.actor, approval_id)
    await _build(session, request, approval_id)


async def _build(session: Session, request: Request, chosen: str | None) -> None:
    inbox = Inbox(session, request.query_params.get("show", ""), chosen)
    with frame(request, session.actor, title="Approvals", here="/approvals"):
        text("h1", "Approvals")
        inbox.summary = text("span", "").classes("muted")
    body = ui.element("div").props("id=main tabindex=-1").classes("inbox")
    with body.classes("one" if chosen else "many"):
        await inbox.build()


class Inbox:
    """The list at the left, the chosen question at the right; narrow screens show one of them."""

    summary: TextElement

    def __init__(self, session: Session, show: str, chosen: str | None) -> None:
        self.session = session
        self.show = show if show in SHOWS else "open"
        self.search = ""
        self.chosen = chosen
        self.shown: Sequence[ApprovalGroup] = ()
        self.reading = 0

    async def build(self) -> None:
        """Both sides."""
        with ui.element("aside").classes("inbox-side").props('aria-label="Questions"'):
            with ui.element("div").classes("inbox-filters"):
                toggle = ui.toggle(SHOWS, value=self.show).classes("segmented")
                toggle.props(
                    "no-caps unelevated spread toggle-color=chosen toggle-text-color=chosen"
                )
                toggle.on_value_change(self.session.event_action(self._filter))
                search = ui.input(placeholder="Search").mark("approval-search")
                search.props('outlined dense debounce=250 clearable aria-label="Search"')
                search.on_value_change(self.session.event_action(self._search))
                with search.add_slot("prepend"):
                    ui.icon("search")
            self.list = raw("").classes("inbox-scroll")
        with ui.element("main").classes("inbox-main"):
            self.question = QuestionPanel(self.session, self._settled)
        await self._show(self.session.actor)
        if self.chosen is None and self.show == "open":
            self.chosen = next((view.id for group in self.shown for view in group.items), None)
            await self._show(self.session.actor)
        await self.question.open(self.session.actor, self.chosen)
        ui.timer(REFRESH_S, self._tick)

    async def _filter(self, actor: Actor, event: ValueChangeEventArguments[str]) -> None:
        self.show = event.value
        query = f"?{urlencode({'show': self.show})}" if self.show != "open" else ""
        path = f"/approvals/{self.chosen}" if self.session.request.path_params else "/approvals"
        ui.navigate.history.replace(f"{path}{query}")
        await self._show(actor)

    async def _search(self, actor: Actor, event: ValueChangeEventArguments[str | None]) -> None:
        self.search = (event.value or "").strip()
        await self._show(actor)

    async def _show(self, actor: Actor) -> None:
        self.reading += 1
        mine = self.reading
        groups, total, more = await self._read(actor)
        if mine != self.reading:
            return  # the filters have changed meanwhile
        self.shown = groups
        found = sum(len(group.items) for group in groups)
        what = {"open": "open", "answered": "answered", "all": "in all"}[self.show]
        self.summary.text = f"{amount(total, 'question')} {what}" if total else ""
        if found:
            note = f'<p class="muted small inbox-more">{more}</p>' if more else ""
            content = str(list_html(groups, self.chosen)) + note
        else:
            content = f'<p class="inbox-empty muted">{self._nothing()}</p>'
        if content != self.list.content:
            self.list.set_content(content)

    async def _read(self, actor: Actor) -> tuple[list[ApprovalGroup], int, str]:
        page = PageRequest(limit=SHOWN, sort="-created_at")
        status = {"open": ApprovalStatus.OPEN, "answered": ApprovalStatus.ANSWERED}.get(self.show)
        search = self.search[:200] or None
        every = await approvals.list_approvals(
            actor, approvals.ApprovalFilter(status=status, search=search), page
        )
        more = f"The newest {SHOWN} are shown." if every.next_cursor else ""
        if self.show != "open":
            return [ApprovalGroup("", every.items)], every.total, more
        mine = await approvals.list_approvals(
            actor, approvals.ApprovalFilter(mine=True, search=search), page
        )
        soonest = sorted(mine.items, key=lambda view: view.deadline_at or LATEST)
        others = [view for view in every.items if not view.may_answer]
        return (
            [ApprovalGroup("For you", soonest), ApprovalGroup("For others", others)],
            every.total,
            more,
        )

    def _nothing(self) -> str:
        if self.search:
            return "No question matches."
        if self.show == "open":
            return "Nothing waits for an answer."
        return "Nothing has been asked yet."

    async def _settled(self, actor: Actor) -> None:
        """After an answer: the list, the badge, and the way to the next question."""
        await self._show(actor)
        ui.run_javascript("window.heddleCountOpen?.()")

    def next_for_me(self) -> str | None:
        """The next open question that the reader may answer."""
        return next(
            (
                view.id
                for group in self.shown
                for view in group.items
                if view.may_answer and view.status is ApprovalStatus.OPEN and view.id != self.chosen
            ),
            None,
        )

    async def _tick(self) -> None:
        try:
            actor = await self.session.now()
            await self._show(actor)
            first = next((view.id for group in self.shown for view in group.items), None)
            if self.chosen is None and first is not None and self.show == "open":
                self.chosen = first
                await self.question.open(actor, first)
                await self._show(actor)
            else:
                await self.question.refresh(actor)
            self.question.offer_next(self.next_for_me())
        except Unauthorized:
            self.session.leave()
        except AppError:
            return  # the next action of the reader says it


class QuestionPanel:
    """One question: what is asked, the means to answer it, and the run's context."""

    def __init__(self, session: Session, settled: Any) -> None:
        self.session = session
        self.settled = settled
        self.view: ApprovalDetail | None = None
        self.form: SchemaForm | None = None
        self.word: ui.textarea | None = None
        self.options: ui.radio | None = None
        self.comment: ui.textarea | None = None
        self.next_link: ui.element | None = None
        self.sending = False
        self.box = ui.element("div").classes("question-box")
        self.box.on("keydown.ctrl.enter", self._submit())

    async def open(self, actor: Actor, approval_id: str | None) -> None:
        """Show a question, or that there is none."""
        if approval_id is not None:
            self.view = await approvals.get(actor, approval_id)
            self._draw()
            return
        with self.box, ui.element("div").classes("empty"):
            raw('<i class="material-icons empty-icon" aria-hidden="true">inbox</i>')
            text("h2", "Nothing waits for you")
            text("p", "When a run reaches an Approval, its question appears here.")

    async def refresh(self, actor: Actor) -> None:
        """Notice when somebody else has settled the question that is being looked at."""
        if self.view is None or self.sending:
            return
        try:
            now = await approvals.get(actor, self.view.id)
        except NotFound:
            self.view = None
            self.box.clear()
            with self.box, ui.element("div").classes("empty"):
                text("h2", "The run has been deleted, and its question with it")
            return
        before, self.view = self.view, now
        if now.status is not before.status:
            self.view = before
            await self._overtaken(actor, now)
        elif now.reminded_at != before.reminded_at:
            self.head.set_content(head_html(now))
        elif now.run.status is not before.run.status:
            self.context.set_content(context_html(now))

    def offer_next(self, approval_id: str | None) -> None:
        """Lead on to the next question once this one is settled."""
        if self.next_link is not None and not self.next_link.is_deleted:
            self.next_link.set_visibility(approval_id is not None)
            self.next_link.props["href"] = f"/approvals/{approval_id}"

    def _draw(self, note: str = "") -> None:
        view = self.view
        assert view is not None
        self.form = self.word = self.options = self.comment = self.next_link = None
        self.box.clear()
        with self.box:
            with ui.element("article").classes("question").mark("question"):
                with ui.element("a").classes("inbox-back").props("href=/approvals"):
                    text("span", "All questions")
                self.head = raw(head_html(view))
                if note:
                    with ui.element("div").classes("banner warn").props('role="alert"'):
                        text("span", note)
                if view.status is not ApprovalStatus.OPEN:
                    raw(outcome_html(view))
                    self.next_link = ui.element("a").classes("btn btn-primary next-question")
                    with self.next_link:
                        text("span", "Next question")
                    self.next_link.set_visibility(False)
                elif view.may_answer:
                    with ui.element("section").classes("answer").props('aria-label="Answer"'):
                        self._answer(view)
                else:
                    with ui.element("div").classes("banner info"):
                        text("span", f"This question is for {meant_for(view)}.")
            self.context = raw(context_html(view)).classes("question-context")

    def _answer(self, view: ApprovalDetail) -> None:
        schema = view.answer_schema
        self.problem = ui.element("div").classes("banner error").props('role="alert"')
        self.problem.set_visibility(False)
        default = None if view.default_answer is UNSET else view.default_answer
        choices: list[tuple[Any, str]] = [(True, "Yes"), (False, "No")]
        match view.kind:
            case ApprovalKind.FORM:
                with ui.element("div").classes("form"):
                    self.form = SchemaForm(schema, default)
            case ApprovalKind.TEXT:
                self.word = ui.textarea("Your answer").props("outlined dense rows=4")
                self.word.props(f"maxlength={schema.get('maxLength', 20_000)}").classes("wide")
            case ApprovalKind.CHOICE:
                choices = list(zip(schema["enum"], choice_labels(schema), strict=True))
                if len(choices) > BUTTONS_AT_MOST:
                    self.options = ui.radio(dict(enumerate(label for _, label in choices)))
                    self.options.classes("answer-radios")
            case ApprovalKind.CONFIRMATION:
                pass
        self.comment = ui.textarea("Comment (optional)").classes("wide")
        self.comment.props("outlined dense autogrow maxlength=4000")
        with ui.element("div").classes("answer-foot"):
            if view.kind in (ApprovalKind.CONFIRMATION, ApprovalKind.CHOICE) and not self.options:
                for at, (value, label) in enumerate(choices):
                    made = button(label, self._sending(value), kind="" if at else "primary")
                    made.classes("answer-button")
            else:
                button("Answer", self._submit(), icon="send", kind="primary")
                text("span", "Ctrl + Enter").classes("muted small wide-only")
        if view.default_answer is not UNSET and view.deadline_at is not None:
            text("p", "Without an answer by then, the default answer holds.").classes("muted small")
        elif view.deadline_at is not None:
            text("p", "Without an answer by then, the step fails.").classes("muted small")

    def _sending(self, value: Any):
        async def send(actor: Actor) -> None:
            await self._send(actor, value)

        return self.session.action(send)

    def _submit(self):
        async def send(actor: Actor) -> None:
            if self.form is not None:
                self.form.tell([], "/answer")
                value: Any = self.form.read()
                if value is None:
                    self._complain(["Correct what is marked."])
                    return
            elif self.word is not None:
                value = (self.word.value or "").strip()
                if not value:
                    self.word.error = "Write an answer."
                    return
            elif self.options is not None and self.view is not None:
                if self.options.value is None:
                    self._complain(["Choose one of the options."])
                    return
                value = self.view.answer_schema["enum"][self.options.value]
            else:
                return
            await self._send(actor, value)

        return self.session.action(send)

    async def _send(self, actor: Actor, value: Any) -> None:
        view = self.view
        if view is None or view.status is not ApprovalStatus.OPEN or self.sending:
            return
        self.sending = True
        try:
            comment = self.comment.value if self.comment is not None else None
            await approvals.respond(actor, view.id, Respond(answer=value, comment=comment or None))
            self.view = await approvals.get(actor, view.id)
        except Invalid as error:
            self._complain(self._place(error.errors))
            return
        except Conflict as error:
            await self._overtaken(actor, await approvals.get(actor, view.id), error.detail)
            return
        finally:
            self.sending = False
        self._draw()
        ui.notify("Answered. The run goes on.", type="positive")
        await self.settled(actor)

    def _place(self, errors: Sequence[FieldError]) -> list[str]:
        if self.form is not None:
            strays = self.form.tell(errors, "/answer")
            return strays or ["Correct what is marked."]
        if self.word is not None:
            self.word.error = "; ".join(error.detail for error in errors)
            return []
        return [error.detail for error in errors]

    def _complain(self, messages: Sequence[str]) -> None:
        self.problem.clear()
        self.problem.set_visibility(bool(messages))
        with self.problem:
            for message in messages:
                text("span", message)

    async def _overtaken(self, actor: Actor, now: ApprovalDetail, said: str = "") -> None:
        """Somebody or something settled the question first: say so, keep what was written."""
        written = self.comment.value if self.comment is not None else None
        was_open = self.view is not None and self.view.status is ApprovalStatus.OPEN
        self.view = now
        note = said
        if was_open and now.status is not ApprovalStatus.OPEN and not said:
            by = now.answered_by
            note = (
                f"{by} was faster and has answered this." if by else "This has just been settled."
            )
        self._draw(note)
        if self.comment is not None:
            self.comment.value = written
        if now.status is not ApprovalStatus.OPEN:
            await self.settled(actor)
