"""The headers and query parameters that several workflow endpoints share."""

from typing import Annotated

from litestar.params import HeaderParameter, QueryParameter

from backend.errors import Invalid
from backend.workflows.versions import Selector

IfMatchHeader = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="The ETag of the state that the change starts from, or `*` for any.",
    ),
]
VERSION_PATTERN = r"^(active|draft|0*[1-9][0-9]{0,8})$"
VERSION_TOLD = "A number, `active` or `draft`."
VersionParameter = Annotated[
    str | None, QueryParameter(name="version", description=VERSION_TOLD, pattern=VERSION_PATTERN)
]


def selector(raw: str, name: str) -> Selector:
    """A version's number, `active` or `draft` from a query parameter. Raises Invalid."""
    if raw == "active" or raw == "draft":
        return raw
    if raw.isascii() and raw.isdigit() and len(raw) < 10 and int(raw) > 0:
        return int(raw)
    raise Invalid.field(
        f"?{name}", "invalid_parameter", f"{name} must be a number, active or draft."
    )
