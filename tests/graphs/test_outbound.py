"""The guard: what may be reached, and that exactly the checked address is."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from graphs import outbound
from graphs.outbound import OutboundRefused
from tests.graphs.conftest import Received, Reply, json_reply, serving

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0177.1",
    "2130706433",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::808:808]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[fec0::1]",
]


@pytest.mark.parametrize("host", PRIVATE)
async def test_private_hosts_are_refused(host: str) -> None:
    async with outbound.client() as client:
        with pytest.raises(OutboundRefused) as refused:
            await client.get(f"http://{host}:9/")
    assert refused.value.code == "host_refused"
    assert "HEDDLE_ALLOW_HOSTS" in refused.value.message


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert outbound.is_public(ip_address(address))


def hello(_: Received) -> Reply:
    return json_reply("hello")


@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.1",
        "127.0.0.0/8",
        " 127.0.0.1:{port} ",
        "localhost",
        "LocalHost.",
        "localhost:{port}",
        "0.0.0.0/0",
    ],
)
async def test_the_operator_may_allow_hosts_and_networks(entry: str) -> None:
    async with serving(hello) as server:
        allowed = (entry.format(port=server.port), "")
        host = "localhost" if "ocal" in entry else "127.0.0.1"
        async with outbound.client(allowed) as client:
            response = await client.get(f"http://{host}:{server.port}/")
    assert response.json() == "hello"


@pytest.mark.parametrize(
    "entry",
    ["127.0.0.2", "10.0.0.0/8", "127.0.0.1:1", "localhost:1", "example.com", "::1", "[::1]:80"],
)
async def test_what_is_not_named_stays_refused(entry: str) -> None:
    async with serving(hello) as server, outbound.client((entry,)) as client:
        with pytest.raises(OutboundRefused):
            await client.get(server.url)
    assert server.received == []


async def test_a_mapped_address_counts_as_what_it_leads_to() -> None:
    async with serving(hello) as server, outbound.client(("127.0.0.1",)) as client:
        response = await client.get(f"http://[::ffff:127.0.0.1]:{server.port}/")
    assert response.json() == "hello"


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "host/24", "host:0", "host:http", "[::1", "a:b:c"]
)
def test_an_entry_that_is_none(entry: str) -> None:
    with pytest.raises(ValueError, match=r"neither|port|int"):
        outbound.parse_allowed(entry)


class Resolver:
    """Answers each look-up with the next of its answers, as a hostile name server would."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def __call__(self, host: Any, port: Any, **options: Any) -> list[Any]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]


async def test_a_name_that_changes_its_mind_leads_nowhere(monkeypatch: Any) -> None:
    async with serving(hello) as server:
        resolver = Resolver(["203.0.113.0"], ["127.0.0.1"])
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver)
        monkeypatch.setattr(outbound, "is_public", lambda address: str(address) != "127.0.0.1")
        async with outbound.client(timeout=0.2) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"http://rebind.example:{server.port}/")
            with pytest.raises(OutboundRefused):
                await client.get(f"http://rebind.example:{server.port}/")
    assert server.received == []
    # an address is connected to as it is: asking for it again could not change it
    assert resolver.asked.count("rebind.example") == 2


async def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: Any) -> None:
    resolver = Resolver(["8.8.8.8", "10.0.0.1"])
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver)
    async with outbound.client() as client:
        with pytest.raises(OutboundRefused):
            await client.get("http://mixed.example/")


async def test_the_checked_address_gets_the_hosts_name(monkeypatch: Any) -> None:
    async with serving(hello) as server:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Resolver(["127.0.0.1"]))
        async with outbound.client(("wiki.corp",)) as client:
            await client.get(f"http://wiki.corp:{server.port}/")
    assert server.received[0].headers["host"] == f"wiki.corp:{server.port}"


async def test_every_redirect_is_checked() -> None:
    async with (
        serving(hello) as inside,
        serving(lambda _: Reply(302, {"location": inside.url})) as outside,
        outbound.client((f"127.0.0.1:{outside.port}",), follow_redirects=True) as client,
    ):
        with pytest.raises(OutboundRefused):
            await client.get(outside.url)
    assert inside.received == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with serving(hello) as server, outbound.client(("127.0.0.1",)) as client:
        assert (await client.get(server.url)).json() == "hello"


async def test_a_name_without_address() -> None:
    async with outbound.client() as client:
        with pytest.raises(httpx.ConnectError, match="cannot be resolved"):
            await client.get("http://nowhere.invalid/")


def test_a_refusal_is_found_behind_other_errors() -> None:
    refused = OutboundRefused("inside")
    wrapped = RuntimeError("connection")
    wrapped.__cause__ = ValueError("inner")
    wrapped.__cause__.__context__ = refused
    assert outbound.refusal(wrapped) is refused
    assert outbound.refusal(ValueError("other")) is None
