"""Validation: every problem at once, each with its node, its place and its remedy."""

from typing import Any

import msgspec
import pytest

from graphs.compile import compile_definition
from graphs.definition import Definition
from graphs.errors import Problem
from graphs.problems import ProblemCode
from graphs.validate import check_inputs, validate

SET = {"type": "set_fields", "params": {"fields": {}}}


def definition(nodes: list[dict[str, Any]], edges: list[str], **more: Any) -> Definition:
    """Edges are written `source target` or `source:port target`; their ids are e0, e1, …"""
    drawn: list[dict[str, str]] = []
    for index, edge in enumerate(edges):
        source, _, target = edge.partition(" ")
        source, _, port = source.partition(":")
        drawn.append(
            {"id": f"e{index}", "source": source, "target": target, "source_port": port or "out"}
        )
    return msgspec.convert({"nodes": nodes, "edges": drawn, **more}, Definition)


def node(node_id: str, kind: str = "set_fields", **more: Any) -> dict[str, Any]:
    params = {"fields": {}} if kind == "set_fields" else {}
    return {"id": node_id, "type": kind, "params": params, **more}


def brief(problems: list[Problem]) -> list[tuple[str | None, str, str]]:
    return [(problem.node_id, problem.pointer, str(problem.code)) for problem in problems]


def found(
    nodes: list[dict[str, Any]], edges: list[str], **more: Any
) -> list[tuple[str | None, str, str]]:
    return brief(validate(definition(nodes, edges, **more)))


START = node("start", "start")


def test_a_sound_definition_has_no_problems() -> None:
    nodes = [
        START,
        node("a", params={"fields": {"x": "{{ input.city | upper }}", "y": "{{ vars.rate * 2 }}"}}),
        node("choose", "if", params={"condition": "{{ steps.a.y > 2 }}"}),
        node("b", params={"fields": {"z": "{{ steps.a.x }}"}}, on_error="error"),
        node(
            "c",
            "http_request",
            params={"url": "http://x", "auth": {"type": "bearer", "token": "{{ secrets.T }}"}},
        ),
        node("join", "merge", params={"mode": "all"}),
        node(
            "loop",
            "for_each",
            params={"items": "{{ [1, 2] }}"},
            body={
                "nodes": [
                    node("inner", params={"fields": {"x": "{{ item + index + steps.a.y }}"}}),
                    node("after", params={"fields": {"x": "{{ steps.inner.x + prev.x }}"}}),
                ],
                "edges": [{"id": "e0", "source": "inner", "target": "after"}],
            },
        ),
        node("end", "end"),
    ]
    edges = ["start a", "a choose", "choose:true b", "choose:false c", "b join", "b:error end"]
    edges += ["c join", "join loop", "loop end"]
    assert found(nodes, edges, variables={"rate": 2}) == []


def test_all_problems_at_once() -> None:
    nodes = [
        node("a", "nonsense"),
        node("b", params={"fields": {"x": "{{ 1 + }}"}, "extra": 1}),
        node("b", "end"),
    ]
    codes = [code for _, _, code in found(nodes, ["a nowhere", "b b"], inputs={"type": "array"})]
    assert set(codes) == {
        ProblemCode.UNKNOWN_NODE_TYPE,
        ProblemCode.EXPRESSION_INVALID,
        ProblemCode.PARAM_UNKNOWN,
        ProblemCode.NODE_ID_DUPLICATE,
        ProblemCode.EDGE_NODE_UNKNOWN,
        ProblemCode.CYCLE,
        ProblemCode.START_MISSING,
        ProblemCode.INPUT_SCHEMA_INVALID,
    }


class TestParams:
    def one(self, kind: str, params: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
        problems = found([START, {"id": "n", "type": kind, "params": params, **more}], ["start n"])
        assert all(node_id == "n" for node_id, _, _ in problems)
        return [(pointer.removeprefix("/nodes/1"), code) for _, pointer, code in problems]

    @pytest.mark.parametrize(
        ("kind", "params", "problems"),
        [
            ("nonsense", {}, [("/type", "unknown_node_type")]),
            ("set_fields", {}, [("/params/fields", "param_missing")]),
            ("wait", {"duration_ms": "soon"}, [("/params/duration_ms", "param_invalid")]),
            ("wait", {"duration_ms": -1}, [("/params/duration_ms", "param_invalid")]),
            ("wait", {"duration_ms": "{{ input.x }}"}, []),
            ("wait", {"duration": 1, "duration_ms": 1}, [("/params/duration", "param_unknown")]),
            ("if", {"condition": "input.x > 3"}, [("/params/condition", "param_invalid")]),
            ("merge", {"mode": "most"}, [("/params/mode", "param_invalid")]),
            ("merge", {"mode": "{{ 'all' }}"}, [("/params/mode", "param_invalid")]),
            (
                "switch",
                {"value": 1, "cases": [{"equals": 1, "port": "a"}, {"equals": 2}]},
                [("/params/cases/1/port", "param_invalid")],
            ),
            (
                "http_request",
                {"url": "", "method": "BREW", "auth": {"type": "magic"}, "headers": []},
                [
                    ("/params/url", "param_invalid"),
                    ("/params/method", "param_invalid"),
                    ("/params/headers", "param_invalid"),
                    ("/params/auth/type", "param_invalid"),
                ],
            ),
            (
                "prompt",
                {"prompt": "x", "output_schema": {"properties": {"a/b": {"type": "strin"}}}},
                [("/params/output_schema/properties/a~1b/type", "param_invalid")],
            ),
        ],
    )
    def test_settings(
        self, kind: str, params: dict[str, Any], problems: list[tuple[str, str]]
    ) -> None:
        assert self.one(kind, params) == problems

    def test_several_in_one_node(self) -> None:
        params = {"fieldz": {}, "keep_input": 7}
        assert self.one("set_fields", params) == [
            ("/params/fieldz", "param_unknown"),
            ("/params/fields", "param_missing"),
            ("/params/keep_input", "param_invalid"),
        ]

    def test_a_disabled_node_may_be_unfinished(self) -> None:
        unfinished = {"x": "{{ nope( }}"}
        assert self.one("set_fields", unfinished, disabled=True) == []
        nodes = [START, node("n", params=unfinished, disabled=True)]
        assert compile_definition(definition(nodes, ["start n"])).total == 2

    @pytest.mark.parametrize(
        ("more", "problem"),
        [
            ({"retry": {"max_attempts": 0}}, ("/retry/max_attempts", "retry_invalid")),
            ({"retry": {"max_attempts": 99}}, ("/retry/max_attempts", "retry_invalid")),
            ({"retry": {"delay_ms": -1}}, ("/retry/delay_ms", "retry_invalid")),
            ({"retry": {"multiplier": 0.5}}, ("/retry/multiplier", "retry_invalid")),
            ({"timeout_ms": 0}, ("/timeout_ms", "timeout_invalid")),
            ({"timeout_ms": 86_400_001}, ("/timeout_ms", "timeout_invalid")),
        ],
    )
    def test_limits(self, more: dict[str, Any], problem: tuple[str, str]) -> None:
        assert self.one("set_fields", {"fields": {}}, **more) == [problem]

    def test_details_say_what_to_do(self) -> None:
        nodes = [START, {"id": "n", "type": "set_field", "params": {}}]
        (problem,) = validate(definition(nodes, ["start n"]))
        assert "did you mean 'set_fields'?" in problem.detail
        nodes = [START, {"id": "n", "type": "merge", "params": {"mode": "most"}}]
        (problem,) = validate(definition(nodes, ["start n"]))
        assert "choose from: all, any" in problem.detail
        nodes = [START, {"id": "n", "type": "if", "params": {"condition": "yes!"}}]
        (problem,) = validate(definition(nodes, ["start n"]))
        assert "'Condition'" in problem.detail
        assert "{{ … }}" in problem.detail


class TestExpressions:
    def codes(self, text: str, kind: str = "set_fields", **more: Any) -> list[str]:
        nodes = [
            START,
            node("before"),
            {"id": "n", "type": kind, "params": {"fields": {"x": ["a", text]}}},
            node("beside"),
            node("after"),
            node(
                "loop",
                "for_each",
                params={"items": []},
                body={"nodes": [node("inside")], "edges": []},
            ),
        ]
        edges = ["start before", "before n", "n after", "start beside", "start loop"]
        problems = found(nodes, edges, **more)
        assert all(problem[:2] == ("n", "/nodes/2/params/fields/x/1") for problem in problems)
        return [code for _, _, code in problems]

    @pytest.mark.parametrize(
        ("text", "codes"),
        [
            ("{{ 1 + }}", ["expression_invalid"]),
            ("{{ input.x", ["expression_invalid"]),
            ("{{ ''.__class__ }}", ["expression_invalid"]),
            ("{{ __import__('os') }}", ["expression_unknown_function"]),
            ("{{ uper('a') }}", ["expression_unknown_function"]),
            ("{{ foo.bar }}", ["expression_unknown_name"]),
            ("{{ before.x }}", ["expression_unknown_name"]),
            ("{{ steps.nope.x }}", ["step_unknown"]),
            ("{{ steps }}", ["step_unknown"]),
            ("{{ steps[input.x] }}", ["step_unknown"]),
            ("{{ steps.n.x }}", ["step_not_upstream"]),
            ("{{ steps.after.x }}", ["step_not_upstream"]),
            ("{{ steps.beside.x }}", ["step_not_upstream"]),
            ("{{ steps.inside.x }}", ["step_not_upstream"]),
            ("{{ steps.before.x + steps.start.y }}", []),
            ("{{ vars.nope }}", ["variable_unknown"]),
            ("{{ vars.rate + vars['rate'] }} {{ vars }}", []),
            ("{{ secrets.KEY }}", ["secret_not_allowed"]),
            ("{{ item }}", ["item_outside_body"]),
            ("{{ index + 1 }}", ["item_outside_body"]),
            ("{{ [item for item in prev] }}", []),
            ("{{ input.anything }}", []),
            ("${ foo } and {{ bar }}", ["expression_unknown_name", "expression_unknown_name"]),
        ],
    )
    def test_names(self, text: str, codes: list[str]) -> None:
        assert self.codes(text, variables={"rate": 1}) == codes

    def test_inputs_are_known_only_where_the_schema_is_closed(self) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}}
        assert self.codes("{{ input.town }}", inputs=schema) == []
        closed = {**schema, "additionalProperties": False}
        assert self.codes("{{ input.town }}", inputs=closed) == ["input_unknown"]
        assert self.codes("{{ input.city }}", inputs=closed) == []

    def test_details_have_the_place_and_the_remedy(self) -> None:
        nodes = [START, node("a"), node("n", params={"fields": {"x": "so {{ 1 + a.x }}"}})]
        (problem,) = validate(definition(nodes, ["start a", "a n"]))
        assert "write steps.a" in problem.detail
        assert "at character 11" in problem.detail

    def test_an_id_with_a_hyphen_needs_brackets(self) -> None:
        nodes = [START, node("my-a"), node("n", params={"fields": {"x": "{{ steps.my-a.x }}"}})]
        problems = validate(definition(nodes, ["start my-a", "my-a n"]))
        assert "write steps['my-a']" in problems[0].detail
        nodes[2] = node("n", params={"fields": {"x": "{{ steps['my-a'].x }}"}})
        assert validate(definition(nodes, ["start my-a", "my-a n"])) == []

    @pytest.mark.parametrize(
        ("params", "codes"),
        [
            ({"auth": {"type": "bearer", "token": "{{ secrets.K }}"}}, []),
            ({"auth": {"type": "header", "name": "X", "value": "a {{ secrets.K }}"}}, []),
            (
                {"auth": {"type": "header", "name": "{{ secrets.K }}", "value": ""}},
                ["secret_not_allowed"],
            ),
            ({"auth": {"type": "bearer", "token": "{{ secrets }}"}}, ["secret_not_allowed"]),
            ({"body": {"password": "{{ secrets.K }}"}}, ["secret_not_allowed"]),
            ({"url": "http://x/{{ secrets.K }}"}, ["secret_not_allowed"]),
        ],
    )
    def test_secrets_only_where_they_belong(self, params: dict[str, Any], codes: list[str]) -> None:
        nodes = [START, node("n", "http_request", params={"url": "http://x", **params})]
        assert [code for _, _, code in found(nodes, ["start n"])] == codes

    def test_a_body_sees_what_comes_before_its_container(self) -> None:
        def inside(text: str) -> list[tuple[str | None, str, str]]:
            inner = {"nodes": [node("x", params={"fields": {"v": text}})], "edges": []}
            outer = {
                "nodes": [
                    node("first"),
                    node("deep", "for_each", params={"items": []}, body=inner),
                ],
                "edges": [{"id": "i", "source": "first", "target": "deep"}],
            }
            nodes = [
                START,
                node("before"),
                node("loop", "for_each", params={"items": "{{ prev }}"}, body=outer),
                node("after"),
            ]
            return found(nodes, ["start before", "before loop", "loop after"])

        here = "/nodes/2/body/nodes/1/body/nodes/0/params/fields/v"
        assert inside("{{ steps.before.a + steps.first.b + item + index }}") == []
        for name in ("loop", "deep", "after", "x"):
            assert inside(f"{{{{ steps.{name}.a }}}}") == [("x", here, "step_not_upstream")]


class TestTopology:
    def test_starts(self) -> None:
        assert found([node("a")], []) == [(None, "/nodes", "start_missing")]
        assert found([], []) == [(None, "/nodes", "start_missing")]
        second = node("again", "start")
        assert found([START, second], []) == [("again", "/nodes/1", "start_duplicate")]
        assert found([START, node("a")], ["start a", "a start"]) == [
            ("start", "/edges/1/target", "start_has_input"),
            ("start", "/nodes/0", "cycle"),
        ]

    def test_unreachable(self) -> None:
        nodes = [START, node("a"), node("lost"), node("below")]
        assert found(nodes, ["start a", "lost below"]) == [("lost", "/nodes/2", "unreachable")]

    def test_cycles_name_their_nodes(self) -> None:
        nodes = [START, *(node(name) for name in "abcdxyz")]
        edges = ["start a", "a b", "b c", "c b", "c d", "start x", "x y", "y z", "z x", "z z"]
        problems = validate(definition(nodes, edges))
        assert [problem.code for problem in problems] == ["cycle", "cycle"]
        assert "'b' → 'c' → 'b'" in problems[0].detail
        assert "'x' → 'y' → 'z' → 'x'" in problems[1].detail
        assert [problem.pointer for problem in problems] == ["/nodes/2", "/nodes/5"]

    def test_dangling_edges(self) -> None:
        assert found([START, node("a")], ["start a", "a gone", "gone a", "no where"]) == [
            ("a", "/edges/1/target", "edge_node_unknown"),
            ("a", "/edges/2/source", "edge_node_unknown"),
            (None, "/edges/3/source", "edge_node_unknown"),
            (None, "/edges/3/target", "edge_node_unknown"),
        ]

    def test_edges_do_not_cross_the_border_of_a_body(self) -> None:
        loop = node(
            "loop", "for_each", params={"items": []}, body={"nodes": [node("in")], "edges": []}
        )
        (problem,) = validate(definition([START, loop], ["start loop", "start in"]))
        assert problem.code == ProblemCode.EDGE_NODE_UNKNOWN
        assert "another graph or body" in problem.detail

    @pytest.mark.parametrize(
        ("kind", "params", "port", "sound"),
        [
            ("if", {"condition": True}, "true", True),
            ("if", {"condition": True}, "out", False),
            ("if", {"condition": True}, "maybe", False),
            ("switch", {"value": 1, "cases": [{"equals": 1, "port": "one"}]}, "one", True),
            ("switch", {"value": 1, "cases": [{"equals": 1, "port": "one"}]}, "default", True),
            ("switch", {"value": 1, "cases": [{"equals": 1, "port": "one"}]}, "two", False),
            ("end", {}, "out", False),
            ("set_fields", {"fields": {}}, "error", False),
            ("nonsense", {}, "whatever", True),
        ],
    )
    def test_ports(self, kind: str, params: dict[str, Any], port: str, sound: bool) -> None:
        nodes = [START, node("n", kind, params=params), node("after")]
        problems = found(nodes, ["start n", f"n:{port} after"])
        wrong = ("n", "/edges/1/source_port", "edge_port_unknown")
        assert (wrong not in problems) is sound

    def test_an_error_port_exists_where_errors_go_on(self) -> None:
        nodes = [START, node("n", on_error="error"), node("after")]
        assert found(nodes, ["start n", "n:error after"]) == []
        assert found(nodes, ["start n", "n after"]) == []

    def test_an_unknown_input_port(self) -> None:
        edge = {"id": "e", "source": "start", "target": "a", "target_port": "left"}
        drawn = msgspec.convert({"nodes": [START, node("a")], "edges": [edge]}, Definition)
        assert brief(validate(drawn)) == [("a", "/edges/0/target_port", "edge_port_unknown")]

    def test_duplicates(self) -> None:
        nodes = [START, node("a"), node("b")]
        assert found([*nodes, node("a")], ["start a", "a b"]) == [
            ("a", "/nodes/3/id", "node_id_duplicate")
        ]
        assert found(nodes, ["start a", "a b", "a b"]) == [("a", "/edges/2", "edge_duplicate")]
        drawn = definition(nodes, ["start a", "a b"])
        twice = [msgspec.structs.replace(edge, id="e") for edge in drawn.edges]
        assert brief(validate(msgspec.structs.replace(drawn, edges=twice))) == [
            ("a", "/edges/1/id", "edge_id_duplicate")
        ]

    def test_ids_are_unique_over_all_bodies(self) -> None:
        loop = node(
            "loop", "for_each", params={"items": []}, body={"nodes": [node("a")], "edges": []}
        )
        assert found([START, node("a"), loop], ["start a", "a loop"]) == [
            ("a", "/nodes/2/body/nodes/0/id", "node_id_duplicate")
        ]

    @pytest.mark.parametrize("bad", ["", "a b", "a/b", "a[0]", "__start__", "x" * 101, "a:b"])
    def test_ids_are_simple(self, bad: str) -> None:
        assert ("node_id_invalid") in [
            code for *_, code in found([START, node(bad)], [f"start {bad}"])
        ]

    def test_bodies(self) -> None:
        def loop(**more: Any) -> list[str]:
            nodes = [START, node("l", "for_each", params={"items": []}, **more)]
            return [code for _, _, code in found(nodes, ["start l"])]

        assert loop() == ["body_missing"]
        assert loop(body={"nodes": [], "edges": []}) == ["body_empty"]
        assert loop(body={"nodes": [node("s", "start")], "edges": []}) == ["start_in_body"]
        assert loop(body={"nodes": [node("a"), node("b")], "edges": []}) == []
        nodes = [START, node("a", body={"nodes": [node("b")], "edges": []})]
        assert found(nodes, ["start a"]) == [("a", "/nodes/1/body", "body_not_allowed")]


class TestInputs:
    @pytest.mark.parametrize(
        ("schema", "pointer"),
        [
            ({"type": "array"}, "/inputs/type"),
            ({"properties": {"x": {"type": "strin"}}}, "/inputs/properties/x/type"),
            ({"required": "x"}, "/inputs/required"),
            ({"properties": {"x": {"$ref": "http://127.0.0.1/s"}}}, "/inputs/properties/x/$ref"),
            ({"properties": {"x": {"$ref": "#/$defs/gone"}}}, "/inputs/properties/x/$ref"),
            ({"properties": {"x": {"pattern": "(a"}}}, "/inputs/properties/x/pattern"),
            ({"patternProperties": {"(a+)+$": {}}}, "/inputs/patternProperties"),
        ],
    )
    def test_the_schema_must_be_sound(self, schema: dict[str, Any], pointer: str) -> None:
        assert found([START], [], inputs=schema) == [(None, pointer, "input_schema_invalid")]

    def test_a_property_may_have_any_name(self) -> None:
        properties = {"pattern": {"type": "string"}, "$ref": {"type": "string"}}
        assert found([START], [], inputs={"properties": properties}) == []

    def test_defaults_are_filled_in(self) -> None:
        schema = {
            "properties": {
                "city": {"type": "string", "default": "Oslo"},
                "deep": {"type": "object", "properties": {"n": {"default": 1}}},
            }
        }
        given = {"deep": {}, "extra": True}
        inputs, problems = check_inputs(schema, given)
        assert inputs == {"city": "Oslo", "deep": {"n": 1}, "extra": True}
        assert problems == []
        assert given == {"deep": {}, "extra": True}

    def test_all_problems_with_inputs_at_once(self) -> None:
        schema = {
            "properties": {"n": {"type": "integer"}, "tags": {"items": {"type": "string"}}},
            "required": ["n", "who's"],
        }
        _, problems = check_inputs(schema, {"n": "5", "tags": ["a", 1]})
        assert sorted((problem.pointer, str(problem.code)) for problem in problems) == [
            ("/n", "input_invalid"),
            ("/tags/1", "input_invalid"),
            ("/who's", "input_missing"),
        ]
        assert all(problem.node_id is None for problem in problems)

    def test_no_schema_allows_everything(self) -> None:
        assert check_inputs({}, {"a": 1}) == ({"a": 1}, [])

    def test_a_hostile_pattern_ends(self) -> None:
        schema = {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}},
        }
        _, problems = check_inputs(schema, {"x": "a" * 50_000 + "b"})
        assert [problem.pointer for problem in problems] == ["/x"]
        assert len(problems[0].detail) < 500

    def test_a_schema_that_refers_to_itself_for_ever(self) -> None:
        _, problems = check_inputs({"$ref": "#"}, {"a": 1})
        assert len(problems) == 1


def test_five_hundred_nodes_are_no_problem() -> None:
    nodes = [START]
    for index in range(499):
        before = f"{{{{ steps.n{index - 1}.a + {index} }}}}" if index else 1
        params = {"fields": {"a": before, "b": f"Hello {{{{ input.city }}}} {index}"}}
        nodes.append(node(f"n{index}", params=params))
    edges = ["start n0", *(f"n{index} n{index + 1}" for index in range(498))]
    drawn = definition(nodes, edges)
    assert validate(drawn) == []


def test_too_many_nodes_are_one_problem() -> None:
    nodes = [START, *(node(f"n{index}") for index in range(2000))]
    assert found(nodes, []) == [(None, "/nodes", "too_many_nodes")]


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("{{ steps.inner.x > 1 and index > 2 and item.x and prev }}", []),
        ("{{ steps.before.x }}", []),
        ("{{ steps.behind.x }}", ["step_not_upstream"]),
        ("{{ steps.loop }}", ["step_not_upstream"]),
        ("{{ steps.nobody }}", ["step_unknown"]),
        ("{{ itme }}", ["expression_unknown_name"]),
        ("{{ 1 + }}", ["expression_invalid"]),
        ("{{ secrets.KEY }}", ["secret_not_allowed"]),
    ],
)
def test_a_loop_s_condition_sees_its_body(condition: str, codes: list[str]) -> None:
    nodes = [
        START,
        node("before"),
        node(
            "loop",
            "repeat_until",
            params={"condition": condition},
            body={"nodes": [node("inner")], "edges": []},
        ),
        node("behind"),
    ]
    problems = found(nodes, ["start before", "before loop", "loop behind"])
    place = "/nodes/2/params/condition"
    assert problems == [("loop", place, code) for code in codes]


def test_only_what_is_evaluated_after_the_body_sees_it() -> None:
    body = {"nodes": [node("inner")], "edges": []}
    params = {"items": "{{ steps.inner }}", "max_concurrency": "{{ index }}"}
    nodes = [START, node("loop", "for_each", params=params, body=body)]
    assert found(nodes, ["start loop"]) == [
        ("loop", "/nodes/1/params/items", "step_not_upstream"),
        ("loop", "/nodes/1/params/max_concurrency", "item_outside_body"),
    ]


def test_which_workflow_is_called_is_no_expression() -> None:
    params = {"workflow_id": "{{ nothing }}", "version": 3, "inputs": {"a": "{{ nothing }}"}}
    nodes = [START, node("call", "workflow", params=params)]
    assert found(nodes, ["start call"]) == [
        ("call", "/nodes/1/params/inputs/a", "expression_unknown_name")
    ]


@pytest.mark.parametrize("version", [0, -1, "latest", 1.5])
def test_a_version_is_a_number_or_the_active_one(version: object) -> None:
    params = {"workflow_id": "w", "version": version}
    nodes = [START, node("call", "workflow", params=params)]
    assert [code for _, _, code in found(nodes, ["start call"])] == ["param_invalid"]
