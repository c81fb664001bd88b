"""What chat models cost: administrators keep the prices, runs are reckoned with them."""

import asyncio
import contextvars
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.database import execute, fetch
from backend.errors import FieldError, Invalid, NotFound
from backend.models.schemas import (
    MAX_MODEL_LENGTH,
    MAX_PLACES,
    MAX_USD,
    ModelPriceView,
    PutModelPrice,
)
from backend.pagination import Page, PageRequest, paginate
from graphs.chat_model import MOCK
from graphs.events import now
from graphs.node_type import Price

_KEPT_S = 15.0
SORTS = {"model": "model", "updated_at": "updated_at"}
_COLUMNS = ("model", "input_usd_per_million", "output_usd_per_million", "updated_at")

log: Any = structlog.get_logger("heddle.models")


class PriceList(Mapping[str, Price]):
    """A tenant's prices by model, with or without the provider before its name.

    It remembers which models were asked for in vain, and says so once each.
    """

    def __init__(self, tenant_id: str, prices: Mapping[str, Price], known: set[str]) -> None:
        self._tenant_id = tenant_id
        self._prices = prices
        self._known = known

    def __getitem__(self, model: str) -> Price:
        price = self._prices.get(model) or self._prices.get(model.partition(":")[2])
        if price is not None:
            return price
        if model not in self._known and model != MOCK:
            self._known.add(model)
            # nobody waits for it, and it must not join a transaction
            task = asyncio.create_task(
                _note_unpriced(self._tenant_id, model), context=contextvars.Context()
            )
            _noting.add(task)
            task.add_done_callback(_noting.discard)
        raise KeyError(model)

    def __iter__(self) -> Iterator[str]:
        return iter(self._prices)

    def __len__(self) -> int:
        return len(self._prices)


class _Kept(Struct):
    prices: PriceList
    until: float


_lists: dict[str, _Kept] = {}
_noting: set[asyncio.Task[None]] = set()


def open_prices() -> None:
    """Begin with nothing kept of an earlier database."""
    _lists.clear()


async def prices_for(tenant_id: str) -> PriceList:
    """The tenant's prices; a change in another process is seen within fifteen seconds."""
    kept = _lists.get(tenant_id)
    if kept is not None and kept.until > time.monotonic():
        return kept.prices
    rows = await fetch(
        "SELECT model, input_usd_per_million, output_usd_per_million FROM model_price "
        "WHERE tenant_id = ?",
        tenant_id,
    )
    prices = {
        row["model"]: Price(
            input_usd=Decimal(row["input_usd_per_million"]),
            output_usd=Decimal(row["output_usd_per_million"]),
        )
        for row in rows
        if row["input_usd_per_million"] is not None
    }
    found = PriceList(tenant_id, prices, {row["model"] for row in rows})
    _lists[tenant_id] = _Kept(found, time.monotonic() + _KEPT_S)
    return found


async def list_prices(
    actor: Actor, page: PageRequest, priced: bool | None = None
) -> Page[ModelPriceView]:
    """The models with their prices, and those that were used without one."""
    where: list[tuple[str, list[Any]]] = [("tenant_id = ?", [actor.tenant_id])]
    if priced is not None:
        where.append((f"input_usd_per_million IS {'NOT ' if priced else ''}NULL", []))
    return await paginate(
        page,
        source="model_price",
        columns=_COLUMNS,
        where=where,
        sorts=SORTS,
        default_sort="model",
        to=_view,
    )


async def get_price(actor: Actor, model: str) -> ModelPriceView:
    """A model's price. Raises NotFound."""
    rows = await fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM model_price WHERE tenant_id = ? AND model = ?",
        actor.tenant_id,
        model.replace("\0", ""),
    )
    if not rows:
        raise NotFound(
            "No price is known for this model, nor was it used.", code="model_price_not_found"
        )
    return _view(rows[0])


async def put_price(actor: Actor, model: str, request: PutModelPrice) -> ModelPriceView:
    """Set what a model costs from now on; what was reckoned before stays."""
    actor.require(Role.ADMIN)
    if not model.strip() or len(model) > MAX_MODEL_LENGTH or not model.isprintable():
        raise Invalid(
            f"A model's name has 1 to {MAX_MODEL_LENGTH} characters, all of them visible.",
            code="model_name_invalid",
        )
    amounts = [
        _plain(request.input_usd_per_million, "/input_usd_per_million"),
        _plain(request.output_usd_per_million, "/output_usd_per_million"),
    ]
    await execute(
        "INSERT INTO model_price "
        "(id, tenant_id, model, input_usd_per_million, output_usd_per_million, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, model) DO UPDATE SET "
        "input_usd_per_million = excluded.input_usd_per_million, "
        "output_usd_per_million = excluded.output_usd_per_million, "
        "updated_at = excluded.updated_at",
        str(uuid7()),
        actor.tenant_id,
        model,
        *amounts,
        now(),
    )
    _lists.pop(actor.tenant_id, None)
    log.info("models.priced", tenant_id=actor.tenant_id, user_id=actor.user_id, model=model)
    return await get_price(actor, model)


async def delete_price(actor: Actor, model: str) -> None:
    """Forget a model and its price. Raises NotFound."""
    actor.require(Role.ADMIN)
    await get_price(actor, model)
    await execute(
        "DELETE FROM model_price WHERE tenant_id = ? AND model = ?", actor.tenant_id, model
    )
    _lists.pop(actor.tenant_id, None)


async def _note_unpriced(tenant_id: str, model: str) -> None:
    try:
        await execute(
            "INSERT INTO model_price (id, tenant_id, model, updated_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (tenant_id, model) DO NOTHING",
            str(uuid7()),
            tenant_id,
            model[:MAX_MODEL_LENGTH].replace("\0", ""),
            now(),
        )
    except Exception as error:  # noqa: BLE001 a run must not suffer from it
        log.warning("models.unpriced_not_noted", model=model, error=repr(error))


def _plain(given: Decimal | float, pointer: str) -> str:
    amount = Decimal(str(given))
    if not amount.is_finite() or not 0 <= amount <= MAX_USD:
        raise _refusal(pointer, f"A price is a number from 0 to {MAX_USD:,} dollars.")
    plain = f"{amount:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    if len(plain.partition(".")[2]) > MAX_PLACES:
        raise _refusal(pointer, f"A price has at most {MAX_PLACES} decimal places.")
    return plain


def _refusal(pointer: str, detail: str) -> Invalid:
    error = FieldError(pointer, "price_invalid", detail)
    return Invalid(detail, code="price_invalid", errors=[error])


def _view(row: Mapping[str, Any]) -> ModelPriceView:
    return msgspec.convert({name: row[name] for name in _COLUMNS}, ModelPriceView)
