"""Definition → a Python file that builds and runs the same graph with LangGraph alone."""

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphs.compile import CompiledGraph, CompiledNode, compile_definition
from graphs.definition import Definition, OnError, walk
from graphs.errors import GraphError, Problem
from graphs.exporting.bundle import Bundle, NotPortable
from graphs.exporting.layout import Code, Enclosed, Keyed, call, literal, quote, render
from graphs.exporting.modules import Ref
from graphs.exporting.nodes import NotExportable, statements
from graphs.expressions import compile_value
from graphs.language.formula import FUNCTION_MODULES
from graphs.language.functions.registry import FUNCTIONS
from graphs.node_type import Join, NodeType

RUNTIME = "graphs.exporting.runtime"
_WORD = re.compile(r"\b[A-Za-z_]\w*")


class ExportError(GraphError):
    """The drawing cannot be exported; `problems` names every node in the way, with the reason."""

    code = "export_unsupported"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = tuple(problems)


def export_python(
    definition: Definition,
    *,
    name: str,
    description: str = "",
    types: Mapping[str, NodeType[Any]] | None = None,
) -> str:
    """The source of the file. Raises DefinitionError, and ExportError for what it cannot hold."""
    graph = compile_definition(definition, types)
    file = _File(graph, definition, name, description)
    text = file.text()
    if file.bundle.has_taken("graphs.expressions"):
        # an agent writes expressions of its own: the whole language comes along
        text = _File(graph, definition, name, description, whole_language=True).text()
    return text


class _File:
    def __init__(
        self,
        graph: CompiledGraph,
        definition: Definition,
        name: str,
        description: str,
        *,
        whole_language: bool = False,
    ) -> None:
        self.graph = graph
        self.definition = definition
        self.title = name
        self.description = description
        self.whole_language = whole_language
        self.bundle = Bundle(with_budgets=whole_language)
        self.problems: list[Problem] = []
        self.pointers = {node.id: pointer for node, pointer in walk(definition)}
        self.functions: dict[str, str] = {}
        self.lazy: dict[str, dict[str, str]] = {}
        homes = {home.__name__ for home in FUNCTION_MODULES}
        self.named = {
            f"fn_{function.name}": Ref(function.call.__module__, function.call.__name__)
            for function in FUNCTIONS.values()
            if function.name != "default" and function.call.__module__ in homes
        }
        for python_name, ref in self.named.items():
            if whole_language:
                self.bundle.add(ref)
            else:
                self.bundle.call_it(ref, python_name)

    def text(self) -> str:
        nodes = [self._function(node) for node in _nodes(self.graph)]
        if self.problems:
            raise ExportError(self.problems)
        graphs = [*self._bodies(self.graph), self._build()]
        setting = self._setting()
        if self.whole_language:
            setting = f"{self._free_functions(nodes)}{setting}"
        code = "\n\n\n".join([*nodes, *graphs, setting, "StateGraph START END command_line"])
        self._take(code)
        imports = [
            "import sys",
            "from typing import Any",
            "from langgraph.graph import END, START, StateGraph",
        ]
        if "environ" in setting:
            imports.append("from os import environ")
        lines = self.bundle.import_lines(imports)
        parts = [
            self._docstring(),
            "from __future__ import annotations",
            lines,
            self._constants(),
            _heading("The nodes, in the order they are drawn"),
            *nodes,
            _heading("The graph"),
            *graphs,
            _heading("What the above stands on, taken from Heddle"),
            *self.bundle.sources(),
            setting,
            'if __name__ == "__main__":\n    sys.exit(command_line(run_workflow, INPUTS, SETTING))',
        ]
        head = "\n\n".join(parts[:4])
        return "\n\n\n".join([head, *parts[4:]]) + "\n"

    def _take(self, code: str) -> None:
        for word in sorted(set(_WORD.findall(code))):
            if word in self.named and not self.whole_language:
                self.bundle.add(self.named[word])
            for home in (RUNTIME, f"{RUNTIME}_values", f"{RUNTIME}_nodes"):
                ref = Ref(home, word)
                if self.bundle.has(ref):
                    self.bundle.add(ref)

    def _free_functions(self, nodes: list[str]) -> str:
        self.bundle.add(Ref(f"{RUNTIME}_language", "free"))
        used = sorted(set(_WORD.findall("\n".join(nodes))) & set(self.named))
        return "".join(f"{name} = free({quote(name[3:])})\n" for name in used) + "\n"

    def _docstring(self) -> str:
        about = " ".join(self.description.split())
        lines = [f'"""{_safe(self.title)}: a workflow drawn in Heddle, as a LangGraph program.']
        if about:
            lines += ["", *_wrapped(_safe(about))]
        needs = self._packages()
        lines += [
            "",
            f"    pip install {' '.join(needs)}",
            "    python FILE --input name=value …",
            "",
            "prints the outputs as JSON. Every node is a function below; `build` draws the graph.",
        ]
        names = self._secrets()
        if names:
            lines += ["", f"Secrets come from environment variables: {', '.join(names)}."]
        return "\n".join([*lines, '"""'])

    def _packages(self) -> list[str]:
        needs = ["langgraph"]
        sources = "\n".join([*self.bundle.sources(), self.bundle.import_lines()])
        for package, install in (
            ("duckdb", "duckdb"),
            ("openpyxl", "openpyxl"),
            ("vl_convert", "vl-convert-python"),
        ):
            if package in sources:
                needs.append(install)
        models = {
            str(node.params["model"]).partition(":")[0]
            for node, _ in walk(self.definition)
            if node.params.get("model", "mock") != "mock"
        }
        providers = sorted(models & {"openai", "anthropic", "ollama"})
        return [*needs, *(["langchain"] if models else []), *(f"langchain-{p}" for p in providers)]

    def _secrets(self) -> list[str]:
        names = {
            reference.key
            for node, _ in walk(self.definition)
            if not node.disabled
            for reference in compile_value(node.params).references()
            if reference.root == "secrets" and reference.key
        }
        return sorted(names)

    def _constants(self) -> str:
        inputs = render(Keyed("INPUTS = ", literal(self.definition.inputs)))
        variables = render(Keyed("VARIABLES = ", literal(self.definition.variables)))
        return f'{inputs}\n"""The JSON Schema of the inputs."""\n\n{variables}'

    def _function(self, node: CompiledNode) -> str:
        try:
            written = statements(node, self.bundle)
        except (NotExportable, NotPortable) as error:
            self.problems.append(
                Problem(
                    node.id,
                    self.pointers[node.id],
                    ExportError.code,
                    f"node {node.id!r} cannot be exported: {error}",
                )
            )
            return ""
        name = self._name(node.id)
        self.lazy[node.id] = written.lazy
        title = _safe(node.node.name or node.id)
        head = f'async def {name}(run: Run) -> Any:\n    """{title} ({node.node.type})."""\n'
        return head + "\n".join(f"    {line}" for line in written.lines)

    def _name(self, node_id: str) -> str:
        if node_id not in self.functions:
            word = re.sub(r"\W+", "_", node_id).strip("_") or "node"
            name = f"node_{word}"
            while name in self.functions.values() or keyword.iskeyword(name):
                name += "_"
            self.functions[node_id] = name
        return self.functions[node_id]

    def _bodies(self, graph: CompiledGraph) -> Iterator[str]:
        for node in graph.nodes.values():
            if node.body is None:
                continue
            yield from self._bodies(node.body)
            result = call(
                "Body",
                "graph.compile()",
                Keyed("nodes=", literal(list(node.body.nodes))),
                Keyed("leaves=", literal(list(node.body.leaves))),
            )
            yield "\n".join(
                [
                    f"def {self._body_name(node)}() -> Body:",
                    f'    """What {_safe(node.node.name or node.id)} executes again and again."""',
                    *self._drawn(node.body),
                    f"    return {render(result, 1)}",
                ]
            )

    def _body_name(self, node: CompiledNode) -> str:
        return f"body_of_{self._name(node.id).removeprefix('node_')}"

    def _build(self) -> str:
        leaves = [literal(list(self.graph.leaves))]
        ends = [leaf for leaf in self.graph.leaves if self.graph.nodes[leaf].type.name == "end"]
        arguments: list[Code] = ["outcomes", Keyed("leaves=", leaves[0])]
        if ends:
            arguments.append(Keyed("ends=", literal(ends)))
        return "\n".join(
            [
                "def build() -> Any:",
                '    """The graph as it is drawn, compiled."""',
                *self._drawn(self.graph),
                "    return graph.compile()",
                "",
                "",
                "async def run_workflow(inputs: dict[str, Any]) -> Any:",
                '    """Run it once; returns its outputs. Raises WorkflowFailed."""',
                "    outcomes = await execute(build(), with_defaults(INPUTS, inputs))",
                f"    return {render(call('outputs_of', *arguments), 1)}",
            ]
        )

    def _drawn(self, graph: CompiledGraph) -> Iterator[str]:
        yield "    graph = StateGraph(State)"
        for node in graph.nodes.values():
            added = call("graph.add_node", quote(node.id), self._step(node))
            yield f"    {render(added, 1)}"
        for node in graph.nodes.values():
            sources = list(dict.fromkeys(edge.source for edge in node.in_edges))
            origin = "START"
            if sources:
                origin = literal(sources) if len(sources) > 1 else quote(sources[0])
            yield f"    {render(call('graph.add_edge', origin, quote(node.id)), 1)}"
        for leaf in graph.leaves:
            yield f"    graph.add_edge({quote(leaf)}, END)"

    def _step(self, node: CompiledNode) -> Code:
        arguments: list[Code] = [quote(node.id), self._name(node.id), "SETTING"]
        if node.in_edges:
            edges = (
                Enclosed("", "(", (quote(edge.source), quote(edge.port)), ")")
                for edge in node.in_edges
            )
            arguments.append(Keyed("after=", Enclosed("", "[", tuple(edges), "]")))
        drawn = node.node
        if node.ports != ("out",):
            arguments.append(Keyed("ports=", literal(list(node.ports))))
        if node.join is Join.ALL:
            arguments.append('join="all"')
        if drawn.retry.max_attempts > 1:
            retry = drawn.retry
            values = (str(retry.max_attempts), str(retry.delay_ms), f"{retry.multiplier:g}")
            arguments.append(Keyed("retry=", call("Retry", *values)))
        if drawn.timeout_ms is not None:
            arguments.append(f"timeout_ms={drawn.timeout_ms}")
        if drawn.on_error is not OnError.FAIL:
            arguments.append(f"on_error={quote(drawn.on_error.value)}")
            after = node.type.ports_after_error(drawn.params)
            if drawn.on_error is OnError.CONTINUE and after != node.ports[:1]:
                arguments.append(Keyed("ports_after_error=", literal(list(after))))
        if drawn.disabled:
            arguments.append("disabled=True")
        if node.body is not None:
            arguments.append(f"body={self._body_name(node)}()")
        if self.lazy.get(node.id):
            parts = (f"{quote(name)}: {code}" for name, code in self.lazy[node.id].items())
            arguments.append(Keyed("lazy=", Enclosed("", "{", tuple(parts), "}")))
        return call("step", *arguments)

    def _setting(self) -> str:
        services: list[Code] = []
        names = self._secrets()
        if names:
            wanted = ", ".join(map(quote, names))
            services.append(
                f"secrets={{name: environ[name] for name in ({wanted},) if name in environ}}"
            )
        sources = "\n".join(self.bundle.sources())
        if (
            ".artifacts" in sources.split("class FolderArtifacts")[0]
            and "ctx.services.artifacts" in sources
        ):
            services.append(
                f"artifacts={self.bundle.add(Ref('graphs.artifacts', 'FolderArtifacts'))}()"
            )
        if "services.files" in sources:
            files = self.bundle.add(Ref("graphs.artifacts", "FolderFiles"))
            services.append(f"files={files}(Path.cwd())")
        return render(
            Keyed("SETTING = ", call("Setting", "VARIABLES", call("Services", *services)))
        )


def _nodes(graph: CompiledGraph) -> Iterator[CompiledNode]:
    for node in graph.nodes.values():
        yield node
        if node.body is not None:
            yield from _nodes(node.body)


def _heading(title: str) -> str:
    return f"# ---- {title} " + "-" * max(4, 92 - len(title))


def _safe(text: str) -> str:
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _wrapped(text: str, width: int = 98) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line
