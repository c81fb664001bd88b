"""The house rules of who may import whom, checked on the syntax trees of the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("graphs", "backend", "ui")
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "node_modules" not in path.parts
)
LANGGRAPH = {"graphs/compile.py", "graphs/execute.py", "graphs/export.py"}
UI_MAY_IMPORT = {"service", "schemas", "status", "actor", "errors", "settings", "pagination"}
SHARED_FILES = {"routes", "schemas", "service", "tables"}
LINES_AT_MOST = 500


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)}


def of(package: str) -> list[Path]:
    return [path for path in MODULES if name(path).startswith(f"{package}/")]


def test_there_is_something_to_check() -> None:
    assert len(of("graphs")) > 20
    assert len(of("backend")) > 20
    assert len(of("ui")) > 8


@pytest.mark.parametrize("path", of("graphs"), ids=name)
def test_the_engine_knows_no_server_database_or_page(path: Path) -> None:
    assert not roots(path) & {"litestar", "piccolo", "nicegui", "backend", "ui"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_langgraph_is_imported_where_graphs_are_compiled_only(path: Path) -> None:
    if name(path) not in LANGGRAPH and not name(path).startswith("graphs/library/"):
        assert "langgraph" not in roots(path)


@pytest.mark.parametrize("path", of("backend"), ids=name)
def test_the_backend_does_not_know_the_pages(path: Path) -> None:
    if name(path) != "backend/app.py":
        assert not roots(path) & {"ui", "nicegui"}


@pytest.mark.parametrize("path", of("ui"), ids=name)
def test_pages_reach_the_backend_through_services(path: Path) -> None:
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "backend" and len(parts) > 1:
            reached = set(parts[1:3])
            resource = len(parts) == 2 and (ROOT / "backend" / parts[1]).is_dir()
            assert resource or reached & UI_MAY_IMPORT, f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", of("backend"), ids=name)
def test_a_resource_keeps_its_tables_to_itself(path: Path) -> None:
    resource = path.relative_to(ROOT / "backend").parts[0]
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "backend" and len(parts) > 2 and parts[2] == "tables":
            mine = parts[1] == resource
            binds_them_all = name(path) == "backend/database.py"
            assert mine or binds_them_all, f"{name(path)} imports {module}"
        if path.name == "routes.py":
            assert not module.endswith(".tables"), "routes ask the service"


@pytest.mark.parametrize("path", of("backend"), ids=name)
def test_services_and_tables_know_no_http(path: Path) -> None:
    if path.name in {"service.py", "tables.py"}:
        assert "litestar" not in roots(path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if name(path) != "backend/settings.py":
        source = path.read_text()
        assert "os.environ" not in source
        assert "getenv" not in source


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_its_job_and_stays_small(path: Path) -> None:
    source = path.read_text()
    if path.name == "__init__.py":
        assert source == "", f"{name(path)} is not empty"
        return
    assert ast.get_docstring(ast.parse(source)), f"{name(path)} does not say its job"
    assert source.count("\n") <= LINES_AT_MOST, f"{name(path)} is too long: split it"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_names_say_what_things_are(path: Path) -> None:
    assert not {"utils", "helpers", "core", "manager"} & {path.stem, path.parent.name}


def test_resources_have_the_same_files() -> None:
    for folder in (ROOT / "backend").iterdir():
        if folder.is_dir() and (folder / "tables.py").exists():
            assert {file.stem for file in folder.glob("*.py")} >= SHARED_FILES, folder.name
