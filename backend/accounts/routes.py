"""The endpoints of signing in and of users."""

from typing import Any

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.accounts import service
from backend.accounts.authentication import CSRF_COOKIE, TOKEN_COOKIE, token_of
from backend.accounts.schemas import (
    ChangePassword,
    CreateUser,
    Login,
    Me,
    Setup,
    Token,
    UpdateUser,
    UserView,
)
from backend.actor import Actor
from backend.errors import Unauthorized
from backend.pagination import Page, PageRequest


@post(
    "/auth/login",
    status_code=200,
    operation_id="login",
    opt={"public": True, "refuses": (Unauthorized,)},
)
async def login(request: Request[Any, Any, Any], data: JSONBody[Login]) -> Response[Token]:
    """Sign in. The token is in the answer, and in a cookie that scripts cannot read."""
    address = request.client.host if request.client else ""
    token, csrf, headers = await service.login(data.username, data.password, address)
    return _signed_in(request, token, csrf, headers)


@post("/auth/setup", status_code=201, operation_id="setUp", opt={"public": True})
async def set_up(request: Request[Any, Any, Any], data: JSONBody[Setup]) -> Response[Token]:
    """Make the first account, an administrator, and sign it in; only while nobody has one."""
    token, csrf = await service.setup(data)
    return _signed_in(request, token, csrf, {"Location": "/api/v1/auth/me"}, status=201)


@post("/auth/logout", status_code=204, operation_id="logout", opt={"public": True})
async def logout(request: Request[Any, Any, Any]) -> Response[None]:
    """End the session of the token or cookie that is sent, and forget the cookies."""
    token = token_of(request.scope)
    if token is not None:
        await service.logout(token)
    return Response(
        None,
        status_code=204,
        cookies=[Cookie(TOKEN_COOKIE, max_age=0), Cookie(CSRF_COOKIE, max_age=0)],
    )


@get("/auth/me", operation_id="getMe")
async def get_me(actor: NamedDependency[Actor]) -> Me:
    """Who is signed in."""
    return await service.me(actor)


@post("/auth/password", status_code=200, operation_id="changePassword")
async def change_password(
    request: Request[Any, Any, Any], actor: NamedDependency[Actor], data: JSONBody[ChangePassword]
) -> Response[Token]:
    """Change one's own password; every other session of the user ends."""
    token, csrf = await service.change_password(actor, data)
    return _signed_in(request, token, csrf, {})


@get("/users", operation_id="listUsers", opt={"sorts": tuple(service.SORTS)})
async def list_users(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest]
) -> Page[UserView]:
    """The users of the tenant. Needs the role admin, as do the other endpoints of users."""
    return await service.list_users(actor, page)


@post("/users", status_code=201, operation_id="createUser")
async def create_user(
    actor: NamedDependency[Actor], data: JSONBody[CreateUser]
) -> Response[UserView]:
    """Add a user to the tenant."""
    user = await service.create_user(actor, data)
    return Response(user, status_code=201, headers={"Location": f"/api/v1/users/{user.id}"})


@get("/users/{user_id:str}", operation_id="getUser")
async def get_user(actor: NamedDependency[Actor], user_id: FromPath[str]) -> UserView:
    """A user of the tenant."""
    return await service.get_user(actor, user_id)


@patch("/users/{user_id:str}", operation_id="updateUser")
async def update_user(
    actor: NamedDependency[Actor], user_id: FromPath[str], data: JSONBody[UpdateUser]
) -> UserView:
    """Change a user's role or password, disable or enable it."""
    return await service.update_user(actor, user_id, data)


@delete("/users/{user_id:str}", operation_id="deleteUser")
async def delete_user(actor: NamedDependency[Actor], user_id: FromPath[str]) -> None:
    """Remove a user; what it made stays."""
    await service.delete_user(actor, user_id)


def _signed_in(
    request: Request[Any, Any, Any],
    token: Token,
    csrf: str,
    headers: dict[str, str],
    status: int = 200,
) -> Response[Token]:
    secure = request.scope["scheme"] == "https"
    age = token.expires_in
    return Response(
        token,
        status_code=status,
        headers={**headers, "Cache-Control": "no-store"},
        cookies=[
            Cookie(
                TOKEN_COOKIE,
                value=token.access_token,
                max_age=age,
                httponly=True,
                secure=secure,
                samesite="lax",
            ),
            Cookie(CSRF_COOKIE, value=csrf, max_age=age, secure=secure, samesite="lax"),
        ],
    )


router = Router(
    path="/",
    tags=["Accounts"],
    route_handlers=[
        login,
        set_up,
        logout,
        get_me,
        change_password,
        list_users,
        create_user,
        get_user,
        update_user,
        delete_user,
    ],
)
