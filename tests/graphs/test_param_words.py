"""What is wrong with settings is told in people's words, at the field that it is about."""

from typing import Any

import pytest

from graphs.params import param_problems
from graphs.registry import registry


@pytest.mark.parametrize(
    ("name", "params", "path", "detail"),
    [
        (
            "filter_rows",
            {"conditions": [{"column": ""}]},
            ("conditions", 0, "column"),
            "'Conditions', entry 1, 'Column': choose a column",
        ),
        (
            "sort_rows",
            {"by": [{"column": "a"}, {}]},
            ("by", 1, "column"),
            "'Sort by', entry 2, 'Column': choose a column",
        ),
        ("read_file", {"name": ""}, ("name",), "'File': choose a file"),
        ("wait", {"duration_ms": -1}, ("duration_ms",), "'Duration': use 0 ms or more"),
        ("wait", {"duration_ms": 90_000_000}, ("duration_ms",), "'Duration': use 1 day or less"),
        (
            "approval",
            {"message": "Go?", "deadline_ms": 0},
            ("deadline_ms",),
            "'Deadline': use 1 ms or more",
        ),
        ("approval", {"message": ""}, ("message",), "'Question': fill this in"),
        (
            "switch",
            {"value": 1, "cases": [{"equals": 1, "port": ""}]},
            ("cases", 0, "port"),
            "'Cases', entry 1, 'Port': fill this in",
        ),
    ],
)
def test_a_problem_says_what_to_do(
    name: str, params: dict[str, Any], path: tuple[str | int, ...], detail: str
) -> None:
    (problem,) = param_problems(registry()[name], params)
    assert (problem.path, problem.detail) == (path, detail)


def test_rows_pass_a_filter_without_conditions() -> None:
    assert list(param_problems(registry()["filter_rows"], {})) == []
