"""The settings of an HTTP request."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from graphs.node_type import Params

MAX_TIMEOUT_MS = 600_000
MAX_ANSWER_MB = 4096

_SECRET: dict[str, Any] = {"x-secret": True}
_OPTIONS: dict[str, Any] = {"frozen": True, "forbid_unknown_fields": True, "kw_only": True}


class BodyFormat(StrEnum):
    """How the body is written."""

    AUTO = "auto"
    """A text as it is, a file as its bytes, else by the header Content-Type: form or JSON."""
    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    TEXT = "text"
    FILE = "file"
    NONE = "none"


class AnswerFormat(StrEnum):
    """What becomes of the answer's body."""

    AUTO = "auto"
    """By its Content-Type: JSON is read, a text is a text, anything else a file."""
    JSON = "json"
    TEXT = "text"
    FILE = "file"
    NONE = "none"


class FailOn(StrEnum):
    """Which answers fail the node."""

    ERRORS = "errors"
    NEVER = "never"


class Bearer(Struct, tag_field="type", tag="bearer", **_OPTIONS):
    """`Authorization: Bearer …`"""

    token: Annotated[str, Meta(title="Token", extra_json_schema=_SECRET)]


class Basic(Struct, tag_field="type", tag="basic", **_OPTIONS):
    """User name and password."""

    username: Annotated[str, Meta(title="User name", extra_json_schema=_SECRET)]
    password: Annotated[str, Meta(title="Password", extra_json_schema=_SECRET)]


class Header(Struct, tag_field="type", tag="header", **_OPTIONS):
    """A header of its own, such as `X-API-Key`."""

    name: Annotated[str, Meta(title="Header", examples=["X-API-Key"])]
    value: Annotated[str, Meta(title="Value", extra_json_schema=_SECRET)]


class HttpRequestParams(Params, frozen=True):
    url: Annotated[
        str,
        Meta(
            title="Address",
            description="A whole address with http:// or https://.",
            min_length=1,
            examples=["https://example.com/api/customers/{{ input.id | url_encode }}"],
            extra_json_schema={"x-placeholder": "https://example.com/api"},
        ),
    ]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        Meta(title="Method", description="What the request does."),
    ] = "GET"
    headers: Annotated[
        dict[str, Any],
        Meta(
            title="Headers",
            description="Header fields to send.",
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    query: Annotated[
        dict[str, Any],
        Meta(
            title="Query",
            description="What is put after the ? of the address; of a list, every entry; null is "
            "left out.",
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    body: Annotated[
        Any,
        Meta(
            title="Body",
            description="A text, a value, the fields of a form, or the name of a file. A field of "
            'a multipart body may be a file: {"file": "name"}, or what a step put out as a file.',
            extra_json_schema={"x-widget": "json"},
        ),
    ] = None
    body_format: Annotated[
        BodyFormat,
        Meta(
            title="Body format",
            description="auto: a text as it is, a file as its bytes, fields as a form if the "
            "header Content-Type says so, all else as JSON. form and multipart: of a list every "
            "entry is sent, and null is left out. file: the body names a file of the workspace.",
        ),
    ] = BodyFormat.AUTO
    auth: Annotated[
        Bearer | Basic | Header | None,
        Meta(title="Sign in with", description="How the server knows who asks."),
    ] = None
    cookies: Annotated[
        bool,
        Meta(
            title="Keep cookies",
            description="Send back what servers gave earlier requests of this run to keep.",
        ),
    ] = True
    follow_redirects: Annotated[
        bool,
        Meta(
            title="Follow redirects",
            description="Go on to where the server points. Off: its answer is the output, with the "
            "header location.",
        ),
    ] = True
    timeout_ms: Annotated[
        int,
        Meta(
            title="Time limit",
            description="How long until the request is given up, its answer included.",
            ge=1,
            le=MAX_TIMEOUT_MS,
            extra_json_schema={"x-widget": "duration"},
        ),
    ] = 30_000
    connect_timeout_ms: Annotated[
        int,
        Meta(
            title="Time limit for connecting",
            description="How long until a server that cannot be reached is given up.",
            ge=1,
            le=MAX_TIMEOUT_MS,
            extra_json_schema={"x-widget": "duration"},
        ),
    ] = 10_000
    idempotency_key: Annotated[
        bool,
        Meta(
            title="Tell repeated requests apart",
            description="Send the header Idempotency-Key with POST, PUT, PATCH and DELETE: the "
            "same for every attempt of this step, so that the server acts once.",
        ),
    ] = True
    response: Annotated[
        AnswerFormat,
        Meta(
            title="Answer",
            description="auto: JSON is read, a text is a text, anything else a file. none: the "
            "body is not looked at.",
        ),
    ] = AnswerFormat.AUTO
    save_as: Annotated[
        str,
        Meta(
            title="Save as",
            description="The name of a file in the workspace that the answer's body is written to, "
            "as it comes; a file of that name is replaced.",
            max_length=1000,
            examples=["downloads/{{ input.month }}.zip"],
            extra_json_schema={"x-widget": "file"},
        ),
    ] = ""
    max_answer_mb: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_ANSWER_MB)] | None,
        Meta(
            title="Largest answer",
            description="In megabytes. Left empty: 64, and 1,024 for a file; more than 64 is for "
            "files only.",
        ),
    ] = None
    fail_on: Annotated[
        FailOn,
        Meta(
            title="Fail on",
            description="errors: an answer of 400 and above fails the node. never: every answer is "
            "the output.",
        ),
    ] = FailOn.ERRORS
    response_schema: Annotated[
        dict[str, Any] | None,
        Meta(
            title="Expected answer",
            description="A JSON Schema of the answer's body; mock runs make their data from it.",
            extra_json_schema={
                "x-widget": "json",
                "x-expression": False,
                "x-json-schema": True,
            },
        ),
    ] = None
