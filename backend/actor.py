"""Actor: who asks, for which tenant, with which role; the first argument of every service."""

from enum import StrEnum

from msgspec import Struct

from backend.errors import Forbidden


class Role(StrEnum):
    """What a user may do; each role may do all that the ones after it may."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}


class Actor(Struct, frozen=True):
    """A signed-in user, or the system acting for one."""

    user_id: str
    username: str
    tenant_id: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the actor has at least `role`."""
        return _RANK[self.role] >= _RANK[role]

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the actor has at least `role`."""
        if not self.may(role):
            raise Forbidden(f"This needs the role {role}; yours is {self.role}.")
