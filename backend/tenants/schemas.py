"""What the API says about a tenant and its settings."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_QUOTA_BYTES = 1024**5

TenantName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
        examples=["Weaving mill"],
    ),
]
QuotaBytes = Annotated[
    int,
    Meta(
        ge=1024**2,
        le=MAX_QUOTA_BYTES,
        description="How much the outputs of runs and the files of workspaces may take together.",
        examples=[5 * 1024**3],
    ),
]


class TenantView(Struct, frozen=True, kw_only=True):
    """The tenant of whoever asks.

    `python_enabled` is what its administrators decided; `python_unavailable_reason` says why the
    node type `python` cannot be used all the same, or is null when it can.
    """

    id: str
    name: str
    python_enabled: bool
    python_unavailable_reason: str | None
    artifact_quota_bytes: int
    created_at: datetime


class UpdateTenant(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only what is sent is changed."""

    example: ClassVar[dict[str, object]] = {"name": "Weaving mill", "python_enabled": False}

    name: TenantName | UnsetType = UNSET
    python_enabled: bool | UnsetType = UNSET
    artifact_quota_bytes: QuotaBytes | UnsetType = UNSET
