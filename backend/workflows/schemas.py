"""What the workflow endpoints take and give, as msgspec structs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from backend.workflows.compare import Differences
from backend.workflows.compare import FieldChange as FieldChange
from backend.workflows.run_settings import RunSettings
from graphs.definition import Definition, Size
from graphs.errors import Problem
from graphs.extraction.inputs import InputChoice

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
        description="Shown everywhere; need not be unique.",
        examples=["Order triage"],
    ),
]
Description = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]
Category = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*$", examples=["Support"])]
Tag = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Tags = Annotated[list[Tag], Meta(max_length=50, examples=[["orders", "daily"]])]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]

GREETING: dict[str, Any] = {
    "inputs": {"type": "object", "properties": {"city": {"type": "string", "default": "Oslo"}}},
    "nodes": [
        {"id": "start", "type": "start"},
        {
            "id": "greet",
            "type": "set_fields",
            "params": {"fields": {"text": "Hello {{ input.city }}"}},
        },
    ],
    "edges": [{"id": "e1", "source": "start", "target": "greet"}],
}


class WorkflowStatus(StrEnum):
    """`draft` until a version is active; `inactive` and `archived` refuse new runs."""

    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"
    DELETED = "deleted"


class SettableStatus(StrEnum):
    """The statuses that a person sets; the others follow from versions and deletion."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"


class Validation(StrEnum):
    """`strict` refuses a definition with problems, `none` saves it and tells them."""

    STRICT = "strict"
    NONE = "none"


class CreateWorkflow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a definition, the draft has a start node."""

    example: ClassVar[dict[str, Any]] = {"name": "Greeting", "definition": GREETING}
    name: Name
    description: Description = ""
    tags: Tags = field(default_factory=list[Tag])
    category: Category = ""
    definition: Definition | None = None
    validate: Validation = Validation.STRICT


class UpdateWorkflow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Absent fields stay as they are."""

    example: ClassVar[dict[str, Any]] = {"description": "Greets a city", "tags": ["demo"]}
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    status: SettableStatus | UnsetType = UNSET
    run_settings: RunSettings | UnsetType = UNSET


class PutDraft(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    example: ClassVar[dict[str, Any]] = {"definition": GREETING}
    definition: Definition


class DraftSaved(Struct, frozen=True, kw_only=True):
    """A saved draft; one with problems is saved all the same and cannot be published yet."""

    id: str
    revision: int
    definition_hash: str
    updated_at: datetime
    problems: list[Problem]


class WorkflowSummary(Struct, frozen=True, kw_only=True):
    """A workflow without its drawing. `revision` rises with every change of what is editable."""

    id: str
    slug: str
    name: str
    description: str
    tags: list[str]
    category: str
    status: WorkflowStatus
    revision: int
    active_version: int | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class WorkflowView(WorkflowSummary, frozen=True, kw_only=True):
    """A workflow and its draft. `definition_hash` is equal for equal drawings."""

    definition: Definition
    definition_hash: str
    run_settings: RunSettings
    problems: list[Problem] | UnsetType = UNSET


class PreviewNode(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A container has a `size`, and `inside` the nodes of its body, placed from its corner."""

    id: str
    type: str
    x: float
    y: float
    size: Size | None = None
    inside: tuple["PreviewNode", ...] = ()


class PreviewEdge(Struct, frozen=True, kw_only=True):
    source: str
    target: str


class Preview(Struct, frozen=True, kw_only=True):
    """What a small picture of a graph needs; the edges in bodies are left out."""

    nodes: list[PreviewNode]
    edges: list[PreviewEdge]


class LastRun(Struct, frozen=True, kw_only=True):
    """The newest run of a workflow."""

    id: str
    status: str
    created_at: datetime
    finished_at: datetime | None


class WorkflowItem(WorkflowSummary, frozen=True, kw_only=True):
    """A workflow in a list. `node_count` counts the nodes in bodies too."""

    node_count: int
    preview: Preview
    last_run: LastRun | None = None


class ValidateDefinition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a definition, the draft is validated."""

    definition: Definition | None = None


class ValidationResult(Struct, frozen=True, kw_only=True):
    valid: bool
    problems: list[Problem]


class ExtractSteps(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a definition, the draft's steps are meant. `inputs` are by their `key`."""

    node_ids: Annotated[
        list[str],
        Meta(
            min_length=1,
            max_length=2000,
            description="The steps, and notes that go along with them.",
            examples=[["greet"]],
        ),
    ]
    name: Name
    definition: Definition | None = None
    inputs: dict[str, InputChoice] = field(default_factory=dict[str, InputChoice])


class PublishVersion(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`label` is a name of your own, such as `2.1.0`; numbers are given in any case."""

    description: Description = ""
    label: Label | None = None
    activate: bool = True


class VersionView(Struct, frozen=True, kw_only=True):
    """A published version; it never changes."""

    id: str
    workflow_id: str
    number: int
    label: str | None
    description: str
    definition_hash: str
    active: bool
    created_by: str
    created_at: datetime


class VersionDetail(VersionView, frozen=True, kw_only=True):
    definition: Definition


class Comparison(
    Differences,
    frozen=True,
    kw_only=True,
    rename={"from_version": "from", "to_version": "to"},
):
    """The differences between two versions; null stands for the draft."""

    from_version: int | None
    to_version: int | None


class Rollback(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a number, the version published before the active one becomes active."""

    number: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None


class ValidateInput(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    example: ClassVar[dict[str, Any]] = {"inputs": {"city": "Bergen"}}
    inputs: dict[str, Any]


class InputResult(Struct, frozen=True, kw_only=True):
    """`inputs` are those a run would start with, defaults filled in."""

    valid: bool
    problems: list[Problem]
    inputs: dict[str, Any]


class BulkDelete(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    example: ClassVar[dict[str, Any]] = {"ids": ["01a1f8e9-528d-7318-83b8-3a638a6befcf"]}
    ids: Annotated[list[str], Meta(min_length=1, max_length=200)]


class BulkDeleted(Struct, frozen=True, kw_only=True):
    """`not_found` are the ids that no living workflow has."""

    deleted: list[str]
    not_found: list[str]


class Duplicate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a name, the copy is called `<name> (copy)`."""

    name: Name | None = None


class TemplateView(Struct, frozen=True, kw_only=True):
    """A ready-made workflow. `name` is its stable identifier, `title` what people read."""

    name: str
    title: str
    description: str
    category: str
    tags: list[str]
    node_count: int
    preview: Preview


class UseTemplate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a name, the workflow gets the template's title."""

    name: Name | None = None
