"""What the endpoints of model prices take and give."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

MAX_MODEL_LENGTH = 200
MAX_USD = 1_000_000
MAX_PLACES = 8

Usd = Annotated[
    Decimal | float,
    Meta(
        description=f"From 0 to {MAX_USD:,} with at most {MAX_PLACES} places, best as a text.",
        examples=["0.25"],
    ),
]


class PutModelPrice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In US dollars per million tokens. Many providers print prices in this unit."""

    example: ClassVar[dict[str, Any]] = {
        "input_usd_per_million": "0.25",
        "output_usd_per_million": "2.00",
    }
    input_usd_per_million: Usd
    output_usd_per_million: Usd


class ModelPriceView(Struct, frozen=True, kw_only=True):
    """A model's price; both prices are null for a model that was used without one.

    `model` is what nodes write, or that without its provider: `gpt-5-mini` holds for
    `openai:gpt-5-mini` too, unless that has a price of its own.
    """

    model: str
    input_usd_per_million: str | None
    output_usd_per_million: str | None
    updated_at: datetime
