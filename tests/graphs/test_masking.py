"""Secrets are taken out of texts and keys, as they are and recoded; other data stays what it is."""

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest

from graphs.definition import Node
from graphs.events import RunCompleted
from graphs.masking import MASK, Masker
from graphs.node_type import NodeContext, Services
from tests.graphs.engine import Execution, Scripted, chain

SECRET = 'Pä ss/"word"+1'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.lower(),
        SECRET.upper(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        b64encode(SECRET.encode()).decode(),
        urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        msgspec.json.encode(SECRET).decode(),
    ],
)
def test_whatever_form_a_secret_has_it_is_masked(form: str) -> None:
    masked = Masker([SECRET]).text(f"see {form}!")
    assert MASK in masked
    assert form not in masked


def test_only_texts_and_keys_are_masked() -> None:
    value = {"1234": [5123456, 1234, 12.34, True, None, "a 1234 b"], "n": {"x": ["1234"]}}
    assert Masker(["1234"]).value(value) == {
        MASK: [5123456, 1234, 12.34, True, None, f"a {MASK} b"],
        "n": {"x": [MASK]},
    }


def test_a_long_number_that_is_the_secret_is_masked() -> None:
    masker = Masker(["4929123456781234"])
    assert masker.value([4929123456781234, 49291234567812345]) == [MASK, 49291234567812345]


@pytest.mark.parametrize("secret", ["", "a", "tru", "1"])
def test_a_secret_that_stands_in_every_text_is_left_alone(secret: str) -> None:
    assert Masker([secret]).value({"true": "a1"}) == {"true": "a1"}


def test_of_secrets_within_one_another_nothing_is_left() -> None:
    assert Masker(["word", "pass-word-2"]).text("pass-word-2 word") == f"{MASK} {MASK}"


@pytest.mark.parametrize("secret", ["1234", "null", "true", 'a"b\\', "e+10", "[{}]", "é" * 9])
async def test_no_secret_breaks_a_run(secret: str) -> None:
    data = {"n": 5123456, "f": 1e300, "t": True, "z": None, "l": [{}], "s": f"<{secret}>"}
    execution = Execution(
        chain(Node(id="x", type="x")),
        Scripted("x", lambda ctx: data),
        services=Services(secrets={"KEY": secret}),
    )
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": {**data, "s": f"<{MASK}>"}}


async def test_what_functions_make_of_a_secret_is_masked_in_a_run() -> None:
    def leak(ctx: NodeContext) -> Any:
        key = ctx.services.secrets["KEY"]
        return [key.lower(), b64encode(key.encode()).decode()]

    services = Services(secrets={"KEY": "Top-Secret-Key"})
    end = await Execution(
        chain(Node(id="x", type="x")), Scripted("x", leak), services=services
    ).finish()
    assert isinstance(end, RunCompleted)
    first, second = end.data.outputs["x"]
    assert first == MASK
    assert second.rstrip("=") == MASK
