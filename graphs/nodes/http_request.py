"""The node type `http_request`."""

from collections.abc import Mapping
from typing import Any

from graphs.http.exchange import exchange
from graphs.http.params import AnswerFormat, HttpRequestParams
from graphs.mock_model import example
from graphs.node_type import Category, NodeContext, NodeType, Output


class HttpRequest(NodeType[HttpRequestParams]):
    """Calls a web address. Its output is `{"status", "headers", "body"}`, JSON already read.

    A body that is no text is kept as a file, which `write_file` and a further request can take.
    An answer of 400 and above fails the node; what goes on after the error finds `status`,
    `headers` and `body` beside it. It is worth another attempt for 429 and 5xx.
    Addresses inside private networks are refused unless the administrator allows them.
    """

    name = "http_request"
    title = "HTTP request"
    category = Category.INTEGRATION
    icon = "http"
    keywords = ("api", "fetch", "rest", "webhook", "url", "get", "post", "curl")
    params_type = HttpRequestParams

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: HttpRequestParams, ctx: NodeContext) -> Output:
        return Output(await exchange(params, ctx))

    async def mock(self, params: HttpRequestParams, ctx: NodeContext) -> Output:
        """What it put out in an earlier real run, or data made from the expected answer."""
        if ctx.node_id in ctx.services.recorded:
            return Output(ctx.services.recorded[ctx.node_id])
        body: Any = None
        if params.save_as:
            ctx.log(f"nothing is saved in mock mode; {params.save_as!r} stays as it is")
            body = {"name": params.save_as, "size_bytes": 0, "media_type": ""}
        elif params.response_schema is not None and params.response is not AnswerFormat.NONE:
            body = example(params.response_schema, f"{params.method} {params.url}")
        return Output({"status": 200, "headers": {}, "body": body})
