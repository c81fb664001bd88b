"""What models cost: read by everybody, kept by administrators."""

from decimal import Decimal, InvalidOperation

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.errors import Invalid
from backend.models import service as models
from backend.models.schemas import MAX_MODEL_LENGTH, ModelPriceView, PutModelPrice
from backend.pagination import PageRequest
from ui.controls import button, confirm, dialog, icon_button, icon_html, menu_item, raw, text
from ui.formats import amount, at
from ui.session import Session, SignedIn
from ui.theme import frame

ABOUT = (
    "In US dollars per million tokens, as providers print them. Each call of a model is reckoned "
    "with the price at that moment and shown on its step and its run."
)


@ui.page("/settings/prices")
async def prices_page(session: SignedIn, request: Request) -> None:
    """The models, priced or not."""
    listing = PriceListing(session)
    with frame(request, session.actor, title="Model prices", here="/settings"):
        text("h1", "Model prices")
        listing.summary = text("span", "").classes("muted")
        if listing.may_edit:
            with ui.element("div").classes("head-actions"):
                button("Add price", listing.ask_to_add, icon="add", kind="primary")
    with ui.element("div").props("id=main tabindex=-1").classes("page-body"):
        listing.container = ui.element("div").classes("list-scroll")
        await listing.refresh(session.actor)


class PriceListing:
    """The table, and the dialogs that change it."""

    summary: TextElement
    container: ui.element

    def __init__(self, session: Session) -> None:
        self.session = session
        self.may_edit = session.actor.may(Role.ADMIN)

    async def refresh(self, actor: Actor) -> None:
        """Read and show all models anew."""
        page = await models.list_prices(actor, PageRequest(limit=200))
        unpriced = sum(item.input_usd_per_million is None for item in page.items)
        self.summary.text = amount(page.total, "model")
        self.container.clear()
        with self.container:
            if not page.items:
                self._empty()
                return
            text("p", ABOUT).classes("muted list-about")
            if unpriced:
                with ui.element("div").classes("banner warn"):
                    raw(icon_html("warning"), "span")
                    one = "1 model was used that has no price; its calls count"
                    many = f"{unpriced} models were used that have no price; their calls count"
                    said = one if unpriced == 1 else many
                    text("span", f"{said} as tokens only.")
            self._table(page.items)

    def _empty(self) -> None:
        with ui.element("div").classes("empty"):
            raw(icon_html("payments"), "span")
            text("h2", "No prices yet")
            text("p", ABOUT)
            if self.may_edit:
                button("Add price", self.ask_to_add, icon="add", kind="primary")

    def _table(self, items: list[ModelPriceView]) -> None:
        with ui.element("table").classes("list prices"):
            with ui.element("thead"), ui.element("tr"):
                text("th", "Model")
                text("th", "Input").classes("number")
                text("th", "Output").classes("number")
                text("th", "Changed").classes("wide-only")
                if self.may_edit:
                    with ui.element("th"):
                        text("span", "Actions").classes("sr")
            with ui.element("tbody"):
                for item in items:
                    self._row(item)

    def _row(self, item: ModelPriceView) -> None:
        with ui.element("tr"):
            with ui.element("td").classes("name"), ui.element("div"):
                text("b", item.model).classes("ellipsis").props["title"] = item.model
                if item.input_usd_per_million is None:
                    text("span", "No price").classes("tag")
            for usd in (item.input_usd_per_million, item.output_usd_per_million):
                text("td", "" if usd is None else f"${usd}").classes("number")
            with ui.element("td").classes("wide-only"):
                raw(at(item.updated_at), "span").classes("muted")
            if self.may_edit:
                with ui.element("td").classes("actions"):
                    self._menu(item)

    def _menu(self, item: ModelPriceView) -> None:
        async def remove(actor: Actor) -> None:
            await models.delete_price(actor, item.model)
            await self.refresh(actor)

        with (
            icon_button("more_vert", f"Actions for {item.model}", tooltip=False),
            ui.menu().props("auto-close"),
        ):
            word = "Set the price…" if item.input_usd_per_million is None else "Change the price…"
            menu_item(word, "edit", lambda: self._ask(item))
            menu_item(
                "Remove…",
                "delete",
                lambda: confirm(
                    f"Remove {item.model}?",
                    "What was reckoned with its price stays. Later calls count as tokens only.",
                    "Remove",
                    self.session.action(remove),
                ),
                danger=True,
            )

    def ask_to_add(self) -> None:
        """The dialog for a model that is not listed yet."""
        self._ask(None)

    def _ask(self, item: ModelPriceView | None) -> None:
        async def save(actor: Actor) -> None:
            model = item.model if item is not None else (name.value or "").strip()
            request = PutModelPrice(
                input_usd_per_million=_usd(given.value, "Input"),
                output_usd_per_million=_usd(answered.value, "Output"),
            )
            await models.put_price(actor, model, request)
            asked.close()
            await self.refresh(actor)

        title = "Add a price" if item is None else f"Price of {item.model}"
        with dialog(title) as asked:
            with ui.element("div").classes("dialog-body"):
                name = ui.input("Model", value="" if item is None else item.model)
                name.props(f"outlined dense maxlength={MAX_MODEL_LENGTH}")
                name.props('hint="As nodes write it, such as openai:gpt-5-mini"')
                if item is None:
                    name.props("autofocus")
                else:
                    name.set_visibility(False)
                given = _field("Input, $ per million tokens", item and item.input_usd_per_million)
                answered = _field(
                    "Output, $ per million tokens", item and item.output_usd_per_million
                )
                if item is not None:
                    given.props("autofocus")
            with ui.element("div").classes("dialog-foot"):
                button("Cancel", asked.close)
                button("Save price", self.session.action(save), kind="primary")


def _field(label: str, value: str | None) -> ui.input:
    made = ui.input(label, value=value or "")
    return made.props("outlined dense inputmode=decimal maxlength=20 prefix=$")


def _usd(value: str | None, which: str) -> Decimal:
    """The amount. Raises Invalid for what is none."""
    try:
        return Decimal((value or "").strip().removeprefix("$").strip())
    except InvalidOperation:
        raise Invalid(f"{which}: write an amount such as 0.25, with a point.") from None
