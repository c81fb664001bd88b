"""What chat models cost, as it is stored."""

from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class ModelPrice(Table, tablename="model_price"):
    """A model's price, as decimal texts; NULL for one that was used without a price.

    `model` is unique within its tenant.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    model = Text()
    input_usd_per_million = Text(null=True, default=None)
    output_usd_per_million = Text(null=True, default=None)
    updated_at = Timestamptz(default=TimestamptzNow())
