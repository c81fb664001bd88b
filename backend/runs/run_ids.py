"""Run ids: UUIDv7, so that they sort by the moment of their creation, to the millisecond."""

from datetime import UTC, datetime
from uuid import UUID


def is_id(text: str) -> bool:
    """Whether a text has the form of our ids."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def lowest_id(moment: datetime) -> str:
    """The least id of a moment."""
    digits = f"{max(int(moment.timestamp() * 1000), 0):012x}"
    return f"{digits[:8]}-{digits[8:12]}-7000-8000-000000000000"


def made_at(run_id: str) -> datetime:
    """The moment when an id was made. Raises ValueError for what is none."""
    return datetime.fromtimestamp((UUID(run_id).int >> 80) / 1000, UTC)
