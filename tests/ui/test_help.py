"""The user guide: complete, searchable, and shown safely."""

import ast
import re
from pathlib import Path

import httpx
import pytest

import backend.app  # noqa: F401 - every module that defines an error, wherever the tests begin
from backend import errors as backend_errors
from backend.errors import AppError
from graphs import errors as graph_errors
from graphs.errors import GraphError
from graphs.language.functions.registry import FUNCTIONS
from graphs.problems import ProblemCode
from graphs.registry import registry
from tests.conftest import PASSWORD
from ui import handbook

registry()  # the node types bring failures of their own

ROOT = Path(__file__).parent.parent.parent
SOURCES = [path for name in ("graphs", "backend") for path in (ROOT / name).rglob("*.py")]


def tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def codes_in_sources() -> set[str]:
    """Every `code="…"` that a refusal or failure is given where it is raised."""
    return {
        keyword.value.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "code"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def test_every_node_type_and_setting_is_documented() -> None:
    page = handbook.pages()["nodes"].body
    for name, kind in registry().items():
        assert f'id="{name}"' in page
        for setting in kind.params_schema().get("properties", {}):
            assert f"<code>{setting}</code>" in page


def test_every_function_is_documented() -> None:
    page = handbook.pages()["expressions"].body
    assert FUNCTIONS
    for name in FUNCTIONS:
        assert f'<tr id="{name}">' in page


@pytest.mark.parametrize("kind", tree(AppError), ids=lambda kind: kind.__name__)
def test_every_refusal_is_explained_with_its_status(kind: type[AppError]) -> None:
    assert backend_errors.AppError in kind.__mro__
    explained = handbook.errors()[kind.code]
    assert explained.status == kind.status


@pytest.mark.parametrize("kind", tree(GraphError), ids=lambda kind: kind.__name__)
def test_every_failure_is_explained(kind: type[GraphError]) -> None:
    assert graph_errors.GraphError in kind.__mro__
    assert handbook.errors()[kind.code].text.strip()


@pytest.mark.parametrize("code", sorted({*ProblemCode, *codes_in_sources()}))
def test_every_code_is_explained(code: str) -> None:
    assert handbook.errors()[code].text.strip()


def test_no_code_is_explained_that_does_not_exist() -> None:
    known = {*ProblemCode, *codes_in_sources()}
    known |= {kind.code for root in (AppError, GraphError) for kind in tree(root)}
    assert set(handbook.errors()) <= known


async def test_the_type_of_a_problem_leads_to_its_explanation(
    client: httpx.AsyncClient,
) -> None:
    problem = (await client.get("/api/v1/workflows/nothing")).json()
    page = await client.get(problem["type"])
    assert page.status_code == 200
    assert problem["code"] in page.text
    assert "404 Not Found" in page.text


async def test_links_within_the_guide_lead_somewhere(app_client: httpx.AsyncClient) -> None:
    for page in handbook.pages().values():
        for target in set(re.findall(r'href="(/help[^"#]*)', page.body)):
            assert (await app_client.get(target)).status_code == 200, (page.slug, target)
        anchors = re.findall(r'\bid="([^"]+)"', page.body)
        assert len(anchors) == len(set(anchors)), page.slug


async def test_search_finds_sections_and_shows_the_words(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.get("/help", params={"q": "retry AFTER"})
    assert 'href="/help/errors#too_many_requests"' in answer.text
    assert "<mark>Retry</mark>" in answer.text
    nothing = await app_client.get("/help", params={"q": "<script>alert(1)</script>"})
    assert nothing.status_code == 200
    assert "<script>alert" not in nothing.text
    assert "Nothing about" in nothing.text


def test_a_title_counts_more_than_a_mention() -> None:
    hits = handbook.search("merge")
    assert hits[0].url == "/help/nodes#merge"
    assert handbook.search("   ") == []


def test_raw_html_in_markdown_is_shown_not_obeyed() -> None:
    made = handbook.render("<script>alert(1)</script> [x](javascript:alert(1))")
    assert "<script" not in made
    assert "javascript:" not in made


async def test_examples_name_the_server_they_are_read_on(app_client: httpx.AsyncClient) -> None:
    page = (await app_client.get("/help/api")).text
    assert "http://testserver" in page
    assert "ORIGIN_OF" not in page


async def test_the_five_calls_work_as_they_are_written(app_client: httpx.AsyncClient) -> None:
    text = (ROOT / "ui/help/api.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    known = {"HEDDLE_USER": "admin", "HEDDLE_PASSWORD": PASSWORD}
    answers: list[httpx.Response] = []
    for block in blocks:
        for name, value in known.items():
            block = block.replace(f"${name}", value)
        path = re.search(r'"\$HEDDLE([^"]+)"', block)
        body = re.search(r"-d (?:'(.*?)'|\"(.*?)\"\s*\|)", block, re.DOTALL)
        assert path is not None
        headers = dict(
            part.split(": ", 1) for part in re.findall(r"""-H ['"]([^'"]+)['"]""", block)
        )
        sent = (body[1] or body[2].replace('\\"', '"')) if body else None
        method = "POST" if sent else "GET"
        answer = await app_client.request(method, path[1], content=sent, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        answers.append(answer)
        app_client.cookies.clear()
        made = re.search(r"^(?:export .*\n)?([A-Z]+)=\$\(", block, re.MULTILINE)
        if made:
            field = "access_token" if made[1] == "TOKEN" else "id"
            known[made[1]] = answer.json()[field]
    assert len(answers) == 5
    assert answers[3].json()["status"] == "completed"
    assert "Hello Bergen" in answers[3].text
    assert "event: run.completed" in answers[4].text


def test_the_guide_shows_no_markdown_and_counts_one_as_one() -> None:
    for page in handbook.pages().values():
        without_code = re.sub(r"<(pre|code)\b.*?</\1>", "", page.body, flags=re.DOTALL)
        assert "`" not in handbook.plain(without_code), page.slug
        assert not re.search(r"\b1 (entries|characters)\b", page.body), page.slug
        assert not re.search(r'\bid="[^"]* [^"]*"', page.body), page.slug


def test_every_setting_of_the_server_is_in_the_guide() -> None:
    sources = (ROOT / "backend" / "settings.py").read_text()
    for name in set(re.findall(r"HEDDLE_[A-Z_]+[A-Z]", sources)):
        assert name in handbook.pages()["operations"].body, name
