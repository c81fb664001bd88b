"""Every operation of the API with a request that it takes, made from its own description.

A new route is in every test that walks over these, and fails when its body has no example.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from litestar.routes import HTTPRoute
from msgspec import Struct

from tests.conftest import application

JSON = "application/json"
SAFE = ("GET", "HEAD", "OPTIONS")


class Operation(Struct, frozen=True):
    """A method of an address; `spec` is what the OpenAPI document says of it."""

    method: str
    path: str
    public: bool
    spec: dict[str, Any]
    example: Any

    @property
    def id(self) -> str:
        """Its operation id."""
        return self.spec["operationId"]

    @property
    def takes_json(self) -> bool:
        """Whether it has a JSON body, optional ones included."""
        return JSON in self.spec.get("requestBody", {}).get("content", {})

    def names(self, place: str) -> set[str]:
        """Its parameters in the path, the query or the header."""
        return {p["name"] for p in self.spec.get("parameters", ()) if p["in"] == place}

    def url(self, ids: Mapping[str, str]) -> str:
        """Its address with these ids, and `x` or 1 for others."""
        return re.sub(
            r"\{(\w+)\}",
            lambda found: ids.get(found[1], "1" if found[1] == "number" else "x"),
            self.path,
        )

    async def send(
        self, client: httpx.AsyncClient, ids: Mapping[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        """Send the request that it takes, with changes."""
        arguments: dict[str, Any] = {"headers": {}, "params": {}}
        if "If-Match" in self.names("header"):
            arguments["headers"] = {"If-Match": "*"}
        for parameter in self.spec.get("parameters", ()):
            if parameter["in"] == "query" and parameter.get("required"):
                kind = parameter["schema"]
                arguments["params"][parameter["name"]] = kind.get("default", "draft")
        if self.id == "listSteps":
            arguments["params"]["status"] = "running"
        if self.takes_json and "content" not in changes:
            arguments["json"] = self.example
        for name, value in changes.items():
            merges = name in ("headers", "params")
            arguments[name] = {**arguments[name], **value} if merges else value
        return await client.request(self.method, self.url(ids or {}), **arguments)


async def operations(client: httpx.AsyncClient) -> list[Operation]:
    """Every operation below /api/v1, as the application routes it."""
    document = (await client.get("/openapi.json")).json()
    found: list[Operation] = []
    for route in application(client).routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/api/"):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    spec = document["paths"][route.path_format][method.lower()]
                    found.append(
                        Operation(
                            method=method,
                            path=route.path_format,
                            public=bool(handler.opt.get("public")),
                            spec=spec,
                            example=_example(document, spec),
                        )
                    )
    return found


def _example(document: dict[str, Any], spec: dict[str, Any]) -> Any:
    content = spec.get("requestBody", {}).get("content", {})
    if JSON not in content:
        return None
    for kind in _alternatives(document, content[JSON]["schema"]):
        if "examples" in kind:
            return kind["examples"][0]
        properties, required = kind.get("properties", {}), kind.get("required", [])
        if all("examples" in properties[name] for name in required):
            return {name: properties[name]["examples"][0] for name in required}
    raise AssertionError(f"the body of {spec['operationId']} has no example")


def _alternatives(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _alternatives(document, part)
    if "$ref" in schema:
        yield document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    elif "properties" in schema or "examples" in schema:
        yield schema
