"""What can be wrong with a definition: the codes, and JSON pointers to the place."""

from collections.abc import Iterable
from enum import StrEnum


class ProblemCode(StrEnum):
    """The `code` of a Problem. Stable: the API, the canvas and the help pages use them."""

    UNKNOWN_NODE_TYPE = "unknown_node_type"
    NODE_ID_INVALID = "node_id_invalid"
    NODE_ID_DUPLICATE = "node_id_duplicate"
    TOO_MANY_NODES = "too_many_nodes"
    PARAM_MISSING = "param_missing"
    PARAM_UNKNOWN = "param_unknown"
    PARAM_INVALID = "param_invalid"
    EXPRESSION_INVALID = "expression_invalid"
    EXPRESSION_UNKNOWN_NAME = "expression_unknown_name"
    EXPRESSION_UNKNOWN_FUNCTION = "expression_unknown_function"
    STEP_UNKNOWN = "step_unknown"
    STEP_NOT_UPSTREAM = "step_not_upstream"
    VARIABLE_UNKNOWN = "variable_unknown"
    INPUT_UNKNOWN = "input_unknown"
    SECRET_NOT_ALLOWED = "secret_not_allowed"
    ITEM_OUTSIDE_BODY = "item_outside_body"
    CYCLE = "cycle"
    EDGE_NODE_UNKNOWN = "edge_node_unknown"
    EDGE_PORT_UNKNOWN = "edge_port_unknown"
    EDGE_DUPLICATE = "edge_duplicate"
    EDGE_ID_DUPLICATE = "edge_id_duplicate"
    START_MISSING = "start_missing"
    START_DUPLICATE = "start_duplicate"
    START_IN_BODY = "start_in_body"
    START_HAS_INPUT = "start_has_input"
    UNREACHABLE = "unreachable"
    BODY_MISSING = "body_missing"
    BODY_EMPTY = "body_empty"
    BODY_NOT_ALLOWED = "body_not_allowed"
    INPUT_SCHEMA_INVALID = "input_schema_invalid"
    INPUT_MISSING = "input_missing"
    INPUT_INVALID = "input_invalid"
    RETRY_INVALID = "retry_invalid"
    TIMEOUT_INVALID = "timeout_invalid"
    WORKFLOW_UNKNOWN = "workflow_unknown"
    PIN_PORT_UNKNOWN = "pin_port_unknown"


def pointer(base: str, parts: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of what lies below `base` by these keys and indexes."""
    return base + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
