"""Node functions of an exported file: plain Python for simple types, the engine's own code else."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from msgspec import Struct

from graphs.compile import CompiledNode
from graphs.exporting.bundle import Bundle
from graphs.exporting.expressions import text_code, value_code
from graphs.exporting.layout import (
    Chain,
    Code,
    Enclosed,
    Keyed,
    call,
    literal,
    mapping,
    quote,
    render,
)
from graphs.exporting.modules import Ref, defining
from graphs.library.catalog import catalog
from graphs.node_type import NodeType
from graphs.params import markers, schema_of

VALUES = "graphs.exporting.runtime_values"


class NotExportable(Exception):
    """The node cannot be exported; the message says why, and what helps."""


class Written(Struct, frozen=True):
    """A node function's statements, and the settings that are worked out later, by name."""

    lines: list[str]
    lazy: dict[str, str]


def statements(node: CompiledNode, bundle: Bundle) -> Written:
    """What the node's function does. Raises NotExportable."""
    params = node.node.params
    if node.node.disabled:
        return Written(["return run.prev"], {})
    writer = _WRITERS.get(node.node.type)
    if writer is not None and type(node.type).__module__.startswith("graphs.nodes."):
        return Written(writer(params), {})
    return _by_its_own_code(node, bundle)


def _by_its_own_code(node: CompiledNode, bundle: Bundle) -> Written:
    kind = node.type
    if not type(kind).__module__.startswith("graphs."):
        raise NotExportable(f"its node type {kind.name!r} is not one of Heddle's own")
    if kind.name == "workflow":
        raise NotExportable(
            "it calls another workflow, which a file cannot reach; copy that one's nodes in"
        )
    if kind.name == "graph":
        return _library_graph(node, bundle)
    runner = bundle.add(defining(type(kind)))
    shape = bundle.add(defining(kind.params_type))
    bundle.add(Ref(VALUES, "shaped"))
    lazy: dict[str, str] = {}
    fields: dict[str, Code] = {}
    for name, raw in node.node.params.items():
        if schema_of(kind)["properties"].get(name, {}).get("x-lazy") is True:
            lazy[name] = render(Keyed("lambda run: ", value_code(raw)), 3)
            fields[name] = "None"
        else:
            fields[name] = param_code(kind, raw, (name,))
    lines = [
        render(Keyed("params = ", call("shaped", shape, mapping(fields))), 1),
        f"return await {runner}().run(params, run)",
    ]
    return Written(lines, lazy)


def _library_graph(node: CompiledNode, bundle: Bundle) -> Written:
    kind, params = node.type, node.node.params
    graph = catalog()[params["name"]]
    origin = graph.build.__module__
    if not origin.startswith("graphs.library."):
        raise NotExportable(f"the graph {graph.name!r} is not one of Heddle's own")
    constant = next(name for name, value in vars(import_module(origin)).items() if value is graph)
    drawn = bundle.add(Ref(origin, constant))
    shape = bundle.add(defining(kind.params_type))
    bundle.add(Ref(VALUES, "shaped"))
    execute = bundle.add(Ref("graphs.library.execution", "execute"))
    settings = bundle.add(Ref("graphs.model_params", "settings_of"))
    defaults = bundle.add(Ref("graphs.json_schema", "with_defaults"))
    fields = {name: param_code(kind, raw, (name,)) for name, raw in params.items()}
    lines = [
        render(Keyed("params = ", call("shaped", shape, mapping(fields))), 1),
        f"given = {defaults}({drawn}.input_schema, params.input)",
        f"return await {execute}({drawn}, given, {settings}(params, run), run)",
    ]
    return Written(lines, {})


def param_code(kind: NodeType[Any], raw: Any, path: tuple[str | int, ...]) -> Code:
    """A raw param as code; what is marked as taken literally stays as it is."""
    if markers(kind, path).literal:
        return literal(raw)
    if isinstance(raw, dict):
        fields = cast("dict[str, Any]", raw).items()
        return mapping({name: param_code(kind, part, (*path, name)) for name, part in fields})
    if isinstance(raw, list):
        parts = (param_code(kind, part, (*path, 0)) for part in cast("list[Any]", raw))
        return Enclosed("", "[", tuple(parts), "]")
    return value_code(raw)


def _returned(code: Code) -> list[str]:
    return [render(Keyed("return ", code), 1)]


def _text(raw: Any) -> Code:
    code = text_code(str(raw))
    whole = isinstance(raw, str) and raw.lstrip().startswith(("{{", "${"))
    is_text = isinstance(code, Enclosed) and code.head in ("text", "")
    return call("text", code) if whole and not (is_text and _head(code) == "text") else code


def _head(code: Code) -> str:
    return code.head if isinstance(code, Enclosed) else ""


def _start(params: Mapping[str, Any]) -> list[str]:
    if "output" in params:
        return _returned(value_code(params["output"]))
    return ["return dict(run.input)"]


def _passed_on(params: Mapping[str, Any]) -> list[str]:
    return ["return run.prev"]


def _end(params: Mapping[str, Any]) -> list[str]:
    return _returned(value_code(params["output"])) if "output" in params else _passed_on(params)


def _set_fields(params: Mapping[str, Any]) -> list[str]:
    fields = value_code(params["fields"])
    keep = params.get("keep_input", False)
    if keep is False:
        return _returned(fields)
    if keep is True:
        return _returned(call("kept", "run", fields))
    kept = Keyed("if ", call("truth", value_code(keep)))
    return _returned(Chain((call("kept", "run", fields), kept, Keyed("else ", fields))))


def _template(params: Mapping[str, Any]) -> list[str]:
    return _returned(mapping({"text": _text(params["text"])}))


def _if(params: Mapping[str, Any]) -> list[str]:
    condition = value_code(params["condition"])
    return [
        render(Keyed("holds = ", call("truth", condition)), 1),
        'return Output(run.prev, ("true",) if holds else ("false",))',
    ]


def _switch(params: Mapping[str, Any]) -> list[str]:
    cases = [
        Enclosed("", "(", (value_code(case["equals"]), quote(case["port"])), ")")
        for case in params["cases"]
    ]
    return [
        render(Keyed("value = ", value_code(params["value"])), 1),
        render(Keyed("cases = ", Enclosed("", "[", tuple(cases), "]")), 1),
        "return Output(run.prev, (port_of(value, cases),))",
    ]


def _fail(params: Mapping[str, Any]) -> list[str]:
    return [render(call("fail", _text(params["message"])), 1)]


def _python(params: Mapping[str, Any]) -> list[str]:
    inputs = value_code(params.get("inputs", {}))
    return [
        "# Heddle runs this in a process of its own, without network; here it is plain Python.",
        render(Keyed("inputs = ", inputs), 1),
        render(Keyed("code = ", literal(params["code"])), 1),
        "return run_code(code, run.prev, inputs)",
    ]


_WRITERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "start": _start,
    "end": _end,
    "set_fields": _set_fields,
    "template": _template,
    "if": _if,
    "switch": _switch,
    "merge": _passed_on,
    "fail": _fail,
    "python": _python,
}
"""Types that read better as the few lines of Python that they amount to."""
