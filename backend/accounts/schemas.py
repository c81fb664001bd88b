"""What the API says about accounts."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from backend.actor import Role

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 256

Username = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$",
        description="Letters, digits and . _ @ + - ; upper and lower case are the same.",
        examples=["admin"],
    ),
]
NewPassword = Annotated[
    str,
    Meta(
        min_length=MIN_PASSWORD_LENGTH,
        max_length=MAX_PASSWORD_LENGTH,
        description="At least ten characters.",
        examples=["correct horse battery"],
    ),
]
AnyPassword = Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    username: Annotated[str, Meta(max_length=256, examples=["admin"])]
    password: AnyPassword


class Setup(Struct, frozen=True, forbid_unknown_fields=True):
    """The first account; it becomes the administrator."""

    username: Username
    password: NewPassword


class Token(Struct, frozen=True):
    """A session. `expires_in` is in seconds."""

    access_token: str
    expires_in: int
    token_type: str = "bearer"


class Me(Struct, frozen=True):
    """Who is signed in."""

    id: str
    username: str
    role: Role
    tenant_id: str
    tenant_name: str


class UserView(Struct, frozen=True):
    id: str
    username: str
    role: Role
    disabled: bool
    created_at: datetime


class CreateUser(Struct, frozen=True, forbid_unknown_fields=True):
    example: ClassVar[dict[str, str]] = {
        "username": "ada",
        "password": "correct horse battery",
        "role": "editor",
    }
    username: Username
    password: NewPassword
    role: Role = Role.EDITOR


class UpdateUser(Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is sent is changed. A new password ends the user's sessions."""

    password: NewPassword | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True):
    example: ClassVar[dict[str, str]] = {
        "current_password": "correct horse battery",
        "new_password": "another horse battery",
    }
    current_password: AnyPassword
    new_password: NewPassword
