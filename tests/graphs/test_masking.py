"""Secrets are taken out of texts and keys, as they are and recoded; other data stays what it is."""

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest

from graphs.definition import Node
from graphs.errors import ExpressionError
from graphs.events import RunCompleted
from graphs.expressions import compile_value
from graphs.language.values import Confidential
from graphs.masking import MASK, Masker, RunSecrets
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


@pytest.mark.parametrize(
    "expression",
    [
        "{{ secrets.KEY | lower }}",
        "{{ secrets.KEY | upper }}",
        "{{ secrets.KEY[0:6] }}",
        "{{ secrets.KEY[-5:] }}",
        "{{ split(secrets.KEY, '-') }}",
        "{{ replace(secrets.KEY, '-', '') }}",
        "{{ truncate(secrets.KEY, 6, '') }}",
        "{{ title(secrets.KEY) }}",
        "{{ join([secrets.KEY[0:7], 'x'], '/') }}",
        "{{ 'id:' + secrets.KEY }}",
        "{{ {'a': [secrets.KEY[0:6]]} }}",
    ],
)
async def test_what_an_expression_makes_of_a_secret_is_one(expression: str) -> None:
    secrets = RunSecrets({"KEY": "Top-Secret-Key-9"})
    made = compile_value(expression).resolve({"secrets": secrets})
    masked = secrets.masker.value(["before", made])
    assert "before" in masked
    assert not any(part in str(masked) for part in ("Top-S", "top-", "TOP-", "Key-9", "Secr"))
    assert str(made) not in str(masked)


def test_what_stands_in_the_expression_is_no_secret() -> None:
    secrets = RunSecrets({"KEY": "Top-Secret-Key-9"})
    made = compile_value("{{ 'north' if secrets.KEY else 'south' }}").resolve({"secrets": secrets})
    assert secrets.masker.text(made) == "north"


def test_only_what_is_made_of_secrets_is_masked() -> None:
    secrets = RunSecrets({"KEY": "Top-Secret-Key-9"})
    text = "Bearer {{ secrets.KEY }} for {{ 'north' | upper }}"
    made = compile_value(text).resolve({"secrets": secrets})
    assert secrets.masker.text(made) == f"Bearer {MASK} for NORTH"


def test_an_unknown_secret_tells_no_others() -> None:
    secrets = RunSecrets({"PAYROLL_KEY": "Top-Secret-Key-9"})
    with pytest.raises(ExpressionError, match="no secret 'PAYROLL'") as caught:
        compile_value("{{ secrets.PAYROLL }}").resolve({"secrets": secrets})
    assert "PAYROLL_KEY" not in str(caught.value)


def test_secrets_that_hear_nothing_of_what_is_made_of_them_cannot_be_made() -> None:
    class Deaf(Confidential):
        __getitem__ = {}.__getitem__
        __iter__ = {}.__iter__
        __len__ = {}.__len__

    with pytest.raises(TypeError, match="made"):
        Deaf()  # type: ignore[abstract]
