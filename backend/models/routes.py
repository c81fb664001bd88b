"""The endpoints of model prices."""

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from backend.actor import Actor
from backend.models import service
from backend.models.schemas import ModelPriceView, PutModelPrice
from backend.pagination import Page, PageRequest


@get("/model-prices", operation_id="listModelPrices", opt={"sorts": tuple(service.SORTS)})
async def list_prices(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    priced: FromQuery[bool | None] = None,
) -> Page[ModelPriceView]:
    """What models cost. `priced=false` lists those that were used without a price."""
    return await service.list_prices(actor, page, priced)


@get("/model-prices/{model:path}", operation_id="getModelPrice")
async def get_price(actor: NamedDependency[Actor], model: FromPath[str]) -> ModelPriceView:
    """What a model costs."""
    return await service.get_price(actor, model.removeprefix("/"))


@put("/model-prices/{model:path}", operation_id="putModelPrice")
async def put_price(
    actor: NamedDependency[Actor], model: FromPath[str], data: JSONBody[PutModelPrice]
) -> ModelPriceView:
    """Set what a model costs, in US dollars per million tokens. Needs the role admin."""
    return await service.put_price(actor, model.removeprefix("/"), data)


@delete("/model-prices/{model:path}", operation_id="deleteModelPrice")
async def delete_price(actor: NamedDependency[Actor], model: FromPath[str]) -> None:
    """Forget a model and its price. Needs the role admin."""
    await service.delete_price(actor, model.removeprefix("/"))


router = Router(
    path="/", tags=["Models"], route_handlers=[list_prices, get_price, put_price, delete_price]
)
