"""Frozen definitions: stored once per tenant by the hash of their JSON."""

# Piccolo's queries are generic over an unbound table type.
# pyright: reportUnknownMemberType=false

from collections import OrderedDict
from hashlib import sha256

import msgspec

from backend.errors import Invalid, NotFound
from backend.workflows.tables import DefinitionSnapshot
from graphs.definition import Definition
from graphs.errors import DefinitionError, Problem
from graphs.validate import validate

CACHED = 256
"""Definitions kept in memory; runs of the same version ask for the same one again and again."""

_cache: OrderedDict[tuple[str, str], Definition] = OrderedDict()


def decode(body: str) -> Definition:
    """A definition from its stored JSON."""
    return msgspec.json.decode(body, type=Definition)


def encode(definition: Definition) -> str:
    """The JSON that is stored and hashed. The order of keys stays: it orders the input form."""
    return msgspec.json.encode(definition).decode()


def hash_of(body: str) -> str:
    """The SHA-256 (hex) of a definition's JSON."""
    return sha256(body.encode()).hexdigest()


def problems_of(definition: Definition) -> list[Problem]:
    """Everything that keeps the definition from running."""
    return validate(definition)


def require_valid(definition: Definition) -> None:
    """Raises Invalid with every problem and its node."""
    problems = problems_of(definition)
    if problems:
        raise Invalid.definition(DefinitionError(problems))


async def freeze(tenant_id: str, body: str) -> str:
    """Store a valid definition's JSON; returns its hash.

    Raises Invalid with every problem; what is stored already has been found valid before.
    """
    digest = hash_of(body)
    if await _stored(tenant_id, digest) is None:
        require_valid(decode(body))
        snapshot = DefinitionSnapshot(hash=digest, tenant_id=tenant_id, body=body)
        await DefinitionSnapshot.insert(snapshot).on_conflict(action="DO NOTHING")
    return digest


async def by_hash(tenant_id: str, digest: str) -> Definition:
    """A frozen definition. Raises NotFound."""
    key = (tenant_id, digest)
    if key in _cache:
        _cache.move_to_end(key)
        return _cache[key]
    body = await _stored(tenant_id, digest)
    if body is None:
        raise NotFound("There is no such definition.")
    _cache[key] = decode(body)
    while len(_cache) > CACHED:
        _cache.popitem(last=False)
    return _cache[key]


async def _stored(tenant_id: str, digest: str) -> str | None:
    snapshot = (
        await DefinitionSnapshot.select(DefinitionSnapshot.body)
        .where(DefinitionSnapshot.tenant_id == tenant_id, DefinitionSnapshot.hash == digest)
        .first()
    )
    return None if snapshot is None else snapshot["body"]
