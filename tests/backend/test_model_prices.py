"""Model prices: who may set them, what a price is, and what runs make of them."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from backend.actor import Actor, Role
from backend.errors import Forbidden, Invalid, NotFound
from backend.models import service
from backend.models.schemas import PutModelPrice
from backend.pagination import PageRequest
from graphs.node_type import Price

ADMIN = Actor("a", "ada", "t1", Role.ADMIN)
EDITOR = Actor("e", "eve", "t1", Role.EDITOR)
ELSEWHERE = Actor("o", "otto", "t2", Role.ADMIN)
URL = "/api/v1/model-prices"


def price(given: str, answered: str) -> PutModelPrice:
    return PutModelPrice(
        input_usd_per_million=Decimal(given), output_usd_per_million=Decimal(answered)
    )


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    service.open_prices()


@pytest.mark.usefixtures("database")
class TestService:
    async def test_prices_are_kept_as_they_are_written(self) -> None:
        view = await service.put_price(ADMIN, "openai:gpt-5", price("0.250", "1E+1"))
        assert (view.input_usd_per_million, view.output_usd_per_million) == ("0.25", "10")
        assert await service.get_price(EDITOR, "openai:gpt-5") == view
        again = await service.put_price(ADMIN, "openai:gpt-5", price("0", "100"))
        assert (again.input_usd_per_million, again.output_usd_per_million) == ("0", "100")
        assert (await service.list_prices(EDITOR, PageRequest())).total == 1

    async def test_each_tenant_has_its_own(self) -> None:
        await service.put_price(ADMIN, "m", price("1", "2"))
        await service.put_price(ELSEWHERE, "m", price("3", "4"))
        assert (await service.prices_for("t1"))["m"] == Price(
            input_usd=Decimal(1), output_usd=Decimal(2)
        )
        await service.delete_price(ELSEWHERE, "m")
        with pytest.raises(NotFound):
            await service.get_price(ELSEWHERE, "m")
        assert (await service.get_price(ADMIN, "m")).input_usd_per_million == "1"

    async def test_only_administrators_set_them(self) -> None:
        with pytest.raises(Forbidden):
            await service.put_price(EDITOR, "m", price("1", "1"))
        with pytest.raises(Forbidden):
            await service.delete_price(EDITOR, "m")

    @pytest.mark.parametrize("wrong", ["-1", "1000001", "NaN", "Infinity", "0.000000001"])
    async def test_a_price_is_an_amount(self, wrong: str) -> None:
        with pytest.raises(Invalid) as caught:
            await service.put_price(ADMIN, "m", price("1", wrong))
        assert caught.value.errors[0].pointer == "/output_usd_per_million"

    @pytest.mark.parametrize("wrong", ["", " ", "a\0b", "a\nb", "x" * 201])
    async def test_a_model_has_a_name(self, wrong: str) -> None:
        with pytest.raises(Invalid):
            await service.put_price(ADMIN, wrong, price("1", "1"))

    async def test_the_provider_may_be_left_out(self) -> None:
        await service.put_price(ADMIN, "gpt-5", price("1", "2"))
        await service.put_price(ADMIN, "ollama:llama3:8b", price("3", "4"))
        prices = await service.prices_for("t1")
        assert prices["openai:gpt-5"].input_usd == 1
        assert prices["ollama:llama3:8b"].input_usd == 3
        assert prices.get("anthropic:gpt-6") is None
        await service.put_price(ADMIN, "openai:gpt-5", price("9", "9"))
        assert (await service.prices_for("t1"))["openai:gpt-5"].input_usd == 9

    async def test_a_change_counts_from_the_next_run_on(self) -> None:
        await service.put_price(ADMIN, "m", price("1", "1"))
        before = await service.prices_for("t1")
        await service.delete_price(ADMIN, "m")
        assert "m" in before
        assert "m" not in await service.prices_for("t1")

    async def test_models_without_a_price_are_remembered(self) -> None:
        prices = await service.prices_for("t1")
        for _ in range(3):
            assert prices.get("openai:new") is None
            assert prices.get("mock") is None
        await asyncio.gather(*service._noting)
        unpriced = await service.list_prices(ADMIN, PageRequest(), priced=False)
        assert [(item.model, item.input_usd_per_million) for item in unpriced.items] == [
            ("openai:new", None)
        ]
        assert (await service.list_prices(ADMIN, PageRequest(), priced=True)).total == 0
        await service.put_price(ADMIN, "openai:new", price("1", "1"))
        assert (await service.list_prices(ADMIN, PageRequest(), priced=False)).total == 0
        assert (await service.prices_for("t1"))["openai:new"].output_usd == 1


class TestEndpoints:
    async def test_a_name_may_hold_colons_and_slashes(self, client: httpx.AsyncClient) -> None:
        body = {"input_usd_per_million": "0.25", "output_usd_per_million": 2}
        url = f"{URL}/ollama:hf.co/maker/model:8b"
        made = await client.put(url, json=body)
        assert made.status_code == 200, made.text
        assert made.json() | {"updated_at": ""} == {
            "model": "ollama:hf.co/maker/model:8b",
            "input_usd_per_million": "0.25",
            "output_usd_per_million": "2",
            "updated_at": "",
        }
        assert (await client.get(url)).json() == made.json()
        listed = (await client.get(URL, params={"priced": "true"})).json()
        assert [item["model"] for item in listed["items"]] == ["ollama:hf.co/maker/model:8b"]
        assert (await client.delete(url)).status_code == 204
        assert (await client.get(url)).json()["code"] == "model_price_not_found"
        assert (await client.delete(url)).status_code == 404

    @pytest.mark.parametrize("wrong", ["x", -1, "1,5", None, True, "1e999999"])
    async def test_what_is_no_price_is_named(self, client: httpx.AsyncClient, wrong: Any) -> None:
        body = {"input_usd_per_million": wrong, "output_usd_per_million": "1"}
        told = await client.put(f"{URL}/m", json=body)
        assert told.status_code == 422, told.text
        assert told.json()["errors"][0]["pointer"] == "/input_usd_per_million"
