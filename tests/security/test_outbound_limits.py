"""Attacks on outgoing calls: answers that swell, addresses that lead inside."""

import gzip
import ipaddress
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from graphs import decompression, outbound
from graphs.addresses import SPECIAL_IPV4, SPECIAL_IPV6, is_public
from graphs.decompression import unpacked
from graphs.errors import NodeError
from tests.graphs.conftest import FakeContext, failure
from tests.graphs.http_server import Answer, keeping

MEGABYTE = 1024 * 1024


def zeros_gzip(size_mb: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b"\0" * MEGABYTE) for _ in range(size_mb)]
    return b"".join([*parts, packer.flush()])


def zeros_deflate(size_mb: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(b"\0" * MEGABYTE) for _ in range(size_mb)]
    return b"".join([*parts, packer.flush()])


def zeros_zstd(size_mb: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    parts = [packer.compress(b"\0" * MEGABYTE) for _ in range(size_mb)]
    return b"".join([*parts, packer.flush()])


@pytest.fixture
def ctx() -> FakeContext:
    return FakeContext()


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: zeros_gzip(30),
    "deflate": lambda: zeros_deflate(30),
    "zstd": lambda: zeros_zstd(100),
    "gzip, gzip": lambda: gzip.compress(zeros_gzip(100)),
    "zstd, gzip": lambda: gzip.compress(zeros_zstd(100)),
    "gzip, zstd": lambda: zstandard.compress(zeros_gzip(30)),
    "gzip, gzip, gzip": lambda: gzip.compress(gzip.compress(zeros_gzip(100))),
    "deflate, gzip, deflate, gzip": lambda: b"never looked at",
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_an_answer_that_swells_is_given_up(
    ctx: FakeContext, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    count = decompression._Chain._count

    def counting(self: decompression._Chain, depth: int, size: int) -> None:
        nonlocal made
        made += size
        count(self, depth, size)

    monkeypatch.setattr(decompression._Chain, "_count", counting)
    answer = Answer(BOMBS[encoding](), "text/plain", 200, [("content-encoding", encoding)])
    async with keeping(lambda _: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == "response_too_large"
    assert not error.retryable
    assert made < 40 * MEGABYTE


@pytest.mark.parametrize("status", [404, 500])
async def test_an_error_that_swells_is_cut_short(ctx: FakeContext, status: int) -> None:
    answer = Answer(zeros_gzip(30), "text/plain", status, [("content-encoding", "gzip")])
    async with keeping(lambda _: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == f"http_{status}"
    assert len(str(error.data)) < 5 * MEGABYTE


async def test_every_client_of_the_guard_is_protected() -> None:
    answer = Answer(zeros_gzip(30), "text/plain", 200, [("content-encoding", "gzip")])
    async with keeping(lambda _: answer) as server, outbound.client(("127.0.0.1",)) as client:
        with pytest.raises(NodeError, match="swells"):
            await client.get(server.url)


async def test_many_empty_members_are_given_up() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield gzip.compress(b"") * 2000

    with pytest.raises(NodeError, match="parts"):
        async for _ in unpacked(body(), ("gzip",)):
            pass


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
async def test_no_piece_is_large(name: str) -> None:
    packed = {"gzip": zeros_gzip, "deflate": zeros_deflate, "zstd": zeros_zstd}[name](7)

    async def body() -> AsyncIterator[bytes]:
        yield packed

    sizes = [len(piece) async for piece in unpacked(body(), (name,))]
    assert sum(sizes) == 7 * MEGABYTE
    assert max(sizes) <= 8 * MEGABYTE


@given(st.binary(max_size=5000), st.sampled_from(["gzip", "deflate", "zstd"]), st.integers(1, 99))
async def test_what_is_packed_comes_out_in_any_pieces(raw: bytes, name: str, step: int) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[name](
        raw
    )

    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(packed), step):
            yield packed[at : at + step]

    pieces = [piece async for piece in unpacked(body(), (name,))]
    assert b"".join(pieces) == raw


@given(st.sampled_from(SPECIAL_IPV4 + SPECIAL_IPV6), st.data())
def test_no_special_address_is_public(network: ipaddress.IPv4Network, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, network.num_addresses - 1))
    address = network[offset]
    # Teredo alone leads on, to an address that is judged by itself
    assert not is_public(address) or address in ipaddress.IPv6Network("2001::/32")


@given(st.sampled_from(SPECIAL_IPV4), st.data())
def test_no_wrapping_makes_an_address_public(
    network: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    inner = int(network[data.draw(st.integers(0, network.num_addresses - 1))])
    public = int(ipaddress.IPv4Address("8.8.8.8"))
    for wrapped in (
        inner,
        0xFFFF << 32 | inner,
        int(ipaddress.IPv6Address("64:ff9b::")) | inner,
        0x2002 << 112 | inner << 80,
        0x20010000 << 96 | public << 64 | (~inner & 0xFFFFFFFF),
        0x20010000 << 96 | inner << 64 | (~public & 0xFFFFFFFF),
        int(ipaddress.IPv6Address("2606:4700::5efe:0:0")) | inner,
    ):
        assert not is_public(ipaddress.IPv6Address(wrapped))


@pytest.mark.parametrize(
    "address",
    [
        "192.0.0.1", "192.0.0.9", "192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1",
        "3fff::1", "2620:4f:8000::1", "2001:db8::1", "5f00::1", "fec0::1", "100::1", "2001:20::1",
        "4000::1", "::8.8.8.8", "64:ff9b:1::808:808", "ff0e::1", "fd00::1", "0.1.2.3",
    ],
)  # fmt: skip
def test_what_was_taken_for_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "192.0.1.1", "192.88.98.1", "198.20.0.1", "100.128.0.1", "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1", "2002:808:808::1", "64:ff9b::808:808", "::ffff:1.1.1.1",
        "2620:4f:8001::1",
    ],
)  # fmt: skip
def test_what_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_an_own_list_does_not_open_what_another_refuses() -> None:
    async with keeping(lambda _: Answer(b"in", "text/plain")) as server:
        async with outbound.client(("127.0.0.1",)) as allowed:
            assert (await allowed.get(server.url)).text == "in"
        async with outbound.client() as other:
            with pytest.raises(outbound.OutboundRefused):
                await other.get(server.url)
    assert len(server.asked) == 1


async def test_cookies_do_not_go_from_client_to_client() -> None:
    answer = Answer(headers=[("set-cookie", "sid=1; Path=/")])
    async with keeping(lambda _: answer) as server:
        for _ in range(2):
            async with outbound.client(("127.0.0.1",)) as client:
                await client.get(server.url)
    assert server.connections == 1
    assert [request.headers.get("cookie") for request in server.asked] == [None, None]


async def test_a_connection_that_the_server_closed_is_not_used() -> None:
    async with (
        keeping(lambda _: Answer(b"x", "text/plain")) as server,
        outbound.client(("127.0.0.1",)) as client,
    ):
        await client.get(server.url)
        server.hang_up()
        response: httpx.Response = await client.get(server.url)
    assert response.text == "x"
    assert server.connections == 2
