"""One definition of the engine → the same without msgspec, casts, budgets and our own imports."""

import ast
from collections.abc import Callable
from typing import Any

from graphs.exporting.modules import Alias, External, Module, Ref, module

_CHECKS = frozenset({"a_list", "a_text", "a_number", "a_whole_number", "an_object"})
_KNOWN = frozenset(
    {"Any", "None", "object", "type", "bool", "int", "float", "str", "bytes", "list", "tuple"}
    | {"dict", "set", "frozenset", "Callable", "Awaitable", "Iterable", "Iterator", "Mapping"}
    | {"Sequence", "Path", "date", "datetime", "timedelta", "Decimal"}
)
"""Names that annotations keep; one with another name in it is left out."""

Namer = Callable[[Ref], str]
Importer = Callable[[str, External], str]


class Plain(ast.NodeTransformer):
    """Rewrites a copy of a definition; `name` and `import_name` give the names in the file."""

    def __init__(
        self, home: Module, name: Namer, import_name: Importer, *, with_budgets: bool = False
    ) -> None:
        self.home = home
        self.name = name
        self.import_name = import_name
        self.language = home.name.startswith("graphs.language") and not with_budgets
        self.left_out = ("override",) if with_budgets else ("named", "override")
        # LangGraph looks at what a graph's nodes say that they take
        self.typed = home.name.startswith("graphs.library")
        self.locals: list[set[str]] = []

    def take(self, node: ast.stmt) -> ast.Module:
        """The definition as a module of its own."""
        copy = ast.parse(ast.unparse(node)).body[0]
        made: ast.stmt = self.visit(copy)
        return ast.fix_missing_locations(ast.Module([made], []))

    def visit_Name(self, node: ast.Name) -> Any:
        if any(node.id in names for names in self.locals):
            return node
        meaning = self.home.meaning(node.id)
        if isinstance(meaning, Ref):
            return ast.Name(self.name(meaning), node.ctx)
        if meaning in (External("msgspec", "UNSET"), External("msgspec", "UnsetType")):
            runtime = Ref("graphs.exporting.runtime_values", node.id)
            return ast.Name(self.name(runtime), node.ctx)
        if isinstance(meaning, External) and meaning.module != "msgspec":
            return ast.Name(self.import_name(node.id, meaning), node.ctx)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and not any(
            node.value.id in names for names in self.locals
        ):
            meaning = self.home.meaning(node.value.id)
            if isinstance(meaning, Alias):
                return ast.Name(self.name(Ref(meaning.module, node.attr)), node.ctx)
        match dotted(node):
            case "msgspec.DecodeError" | "msgspec.ValidationError" | "msgspec.MsgspecError":
                return ast.Name("ValueError", node.ctx)
            case ".encode" if dotted(getattr(node.value, "func", node)) == "msgspec.json.Encoder":
                encoder = Ref("graphs.exporting.runtime_values", "json_bytes")
                return ast.Name(self.name(encoder), node.ctx)
            case "msgspec.UNSET":
                return ast.Name(
                    self.name(Ref("graphs.exporting.runtime_values", "UNSET")), node.ctx
                )
            case _:
                return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        # in a graph's state it says how updates are joined
        told = dotted(node.value) == "Annotated" and not self.typed
        if told and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> Any:
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        return None if (node.module or "").split(".")[0] == "graphs" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.locals.append({argument.arg for argument in _arguments(node.args)})
        made = self.generic_visit(node)
        self.locals.pop()
        return made

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
        if not self.locals:
            node.name = self._own_name(node.name)
        node.decorator_list = [
            part
            for part in node.decorator_list
            if dotted(part.func if isinstance(part, ast.Call) else part) not in self.left_out
        ]
        if self.language:
            _without_budget(node.args)
        for argument in _arguments(node.args):
            if argument.annotation is not None and not self._is_kept(argument.annotation):
                argument.annotation = None
        if node.returns is not None and not self._is_kept(node.returns):
            node.returns = None
        self.locals.append(_bound(node))
        self.generic_visit(node)
        self.locals.pop()
        node.body = node.body or [ast.Pass()]
        return node

    def _is_kept(self, annotation: ast.expr) -> bool:
        return self.typed or _is_known(annotation)

    def _own_name(self, name: str) -> str:
        return self.name(Ref(self.home.name, name)) if name in self.home.definitions else name

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        ref = Ref(self.home.name, node.name)
        if is_struct(ref):
            _as_dataclass(node)
        elif is_node_type(ref):
            _without_palette(node)
        node.name = self._own_name(node.name)
        self.locals.append(set())
        self.generic_visit(node)
        self.locals.pop()
        node.body = node.body or [ast.Pass()]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        in_function = bool(self.locals) and bool(self.locals[-1])
        if in_function:
            if node.value is None:
                return None
            return self.visit(ast.Assign([node.target], node.value, lineno=node.lineno))
        self.generic_visit(node)
        if not self.locals and not _is_known(node.annotation) and node.value is not None:
            return ast.Assign([node.target], node.value, lineno=node.lineno)
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="budget" | "frame"))) if (
                self.language
            ):
                checks = [
                    ast.Expr(self.visit(inner))
                    for inner in ast.walk(node.value)
                    if isinstance(inner, ast.Call)
                    and isinstance(inner.func, ast.Name)
                    and inner.func.id in _CHECKS
                ]
                return checks or None
            case _:
                return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        if self.language and "budget" in _names(node.test):
            return None
        self.generic_visit(node)
        return node if node.body else None

    def visit_Try(self, node: ast.Try) -> Any:
        self.generic_visit(node)
        return node if node.body else None

    def visit_Call(self, node: ast.Call) -> Any:
        if self.language:
            node.args = [part for part in node.args if dotted(part) != "budget"]
        match node:
            case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
                return self.visit(value)
            case ast.Call(func=ast.Attribute(value=ast.Call(func=inner, args=args), attr="decode")):
                if dotted(inner) == "msgspec.json.encode" and not node.args:
                    return self._runtime("dump", args[:1])
            case _:
                pass
        match dotted(node.func):
            case "msgspec.json.encode":
                return self._runtime("json_bytes", node.args[:1])
            case "msgspec.json.format":
                return self._runtime("indented", node.args[:1])
            case "msgspec.json.decode":
                loads = ast.Attribute(ast.Name("json", ast.Load()), "loads", ast.Load())
                return ast.Call(loads, [self.visit(part) for part in node.args[:1]], [])
            case "msgspec.to_builtins":
                return self._runtime("plain", node.args[:1])
            case "msgspec.convert":
                return self._runtime("shaped", [node.args[1], node.args[0]])
            case "msgspec.structs.replace":
                node.func = ast.Name("replace", ast.Load())
            case _:
                pass
        return self.generic_visit(node)

    def _runtime(self, name: str, args: list[ast.expr]) -> ast.Call:
        ref = Ref("graphs.exporting.runtime_values", name)
        return ast.Call(ast.Name(self.name(ref), ast.Load()), [self.visit(arg) for arg in args], [])


def is_struct(ref: Ref) -> bool:
    """Whether a class is a msgspec struct."""
    return _descends(ref, lambda found: found == External("msgspec", "Struct"))


def is_node_type(ref: Ref) -> bool:
    """Whether a class is a node type, or a base of some."""
    return _descends(ref, lambda found: found == Ref("graphs.node_type", "NodeType"))


def _descends(ref: Ref, wanted: Callable[[Any], bool]) -> bool:
    home = module(ref.module)
    node = home.definitions.get(ref.name)
    if node is None:
        meaning = home.meaning(ref.name)
        return isinstance(meaning, Ref) and _descends(meaning, wanted)
    if not isinstance(node, ast.ClassDef):
        return False
    for base in node.bases:
        named = base.value if isinstance(base, ast.Subscript) else base
        found: Any = home.meaning(dotted(named))
        if wanted(found) or (isinstance(found, Ref) and _descends(found, wanted)):
            return True
    return False


def _as_dataclass(node: ast.ClassDef) -> None:
    options = {word.arg: word.value for word in node.keywords if word.arg is not None}
    open_options = any(word.arg is None for word in node.keywords)
    keywords = [ast.keyword("frozen", ast.Constant(True))]
    if open_options or "kw_only" in options:
        keywords.append(ast.keyword("kw_only", ast.Constant(True)))
    maker = ast.Call(ast.Name("dataclass", ast.Load()), [], keywords)
    if "frozen" not in options and not open_options:
        maker = ast.Call(ast.Name("dataclass", ast.Load()), [], keywords[1:])
    node.decorator_list = [maker]
    node.keywords = []
    node.bases = [base for base in node.bases if dotted(base) != "Struct"]
    marks = {"tag": "TAG", "omit_defaults": "OMIT_DEFAULTS", "rename": "NAMES"}
    for option, mark in marks.items():
        if option in options:
            node.body.append(
                ast.Assign([ast.Name(mark, ast.Store())], options[option], lineno=node.lineno)
            )
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and dotted(call.func) in ("field", "msgspec.field"):
            call.func = ast.Name("field", ast.Load())
            for word in call.keywords:
                if word.arg == "name":
                    word.arg = "metadata"
                    word.value = ast.Dict([ast.Constant("name")], [word.value])


def _without_palette(node: ast.ClassDef) -> None:
    """Only what `run` needs: it, the methods that it calls, and the attributes that these read."""
    methods = {
        part.name: part
        for part in node.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    needed: set[str] = set()
    waiting = ["run", *(name for name in methods if name.startswith("_"))]
    while waiting:
        name = waiting.pop()
        if name in needed or name not in methods:
            continue
        needed.add(name)
        waiting += [
            part.attr
            for part in ast.walk(methods[name])
            if isinstance(part, ast.Attribute) and dotted(part.value) == "self"
        ]
    read = {
        part.attr
        for name in needed
        for part in ast.walk(methods[name])
        if isinstance(part, ast.Attribute) and dotted(part.value) == "self"
    }
    docstring: list[ast.stmt] = [part for part in node.body[:1] if isinstance(part, ast.Expr)]
    node.body = docstring + [
        part
        for part in node.body
        if (isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name in needed)
        or (
            isinstance(part, ast.Assign)
            and isinstance(part.targets[0], ast.Name)
            and part.targets[0].id in read
        )
    ]
    node.bases = [base for base in node.bases if "NodeType" not in _names(base)]
    node.bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]


def _without_budget(arguments: ast.arguments) -> None:
    kept = [argument for argument in arguments.args if argument.arg != "budget"]
    if len(kept) == len(arguments.args):
        return
    with_default = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = zip(with_default, arguments.defaults, strict=True)
    arguments.defaults = [default for argument, default in pairs if argument.arg != "budget"]
    arguments.args = kept


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    more = [part for part in (arguments.vararg, arguments.kwarg) if part is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *more]


def _bound(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = {argument.arg for argument in _arguments(node.args)} | {""}
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if part is not node:
                    names.add(name)
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case _:
                pass
    return names


def _is_known(annotation: ast.expr) -> bool:
    return _names(annotation) <= _KNOWN and not any(
        isinstance(part, ast.Constant) and isinstance(part.value, str)
        for part in ast.walk(annotation)
    )


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def dotted(node: ast.AST) -> str:
    """`a.b.c` for names and attributes, otherwise nothing."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
        case _:
            return ""
