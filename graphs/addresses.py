"""Which IP addresses are those of public hosts: the special-purpose registries as tables.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, as of October 2025),
multicast (RFC 5771, RFC 4291), site-local (RFC 3879) and IPv4-compatible addresses (RFC 4291).
Tables of our own, because what `ipaddress` calls global differs from one Python to the next.
Also what the registries call globally reachable but serves a protocol's own ends (AS112, AMT,
anycast relays) is special: no web server is there, and a network may answer it from inside.
"""

import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared address space
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # protocol assignments, with DS-Lite, PCP and TURN anycast
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays (deprecated), 6a44 relays
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112 direct delegation
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the limited broadcast
    )
)

SPECIAL_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",  # unspecified, loopback, IPv4-compatible
        "64:ff9b:1::/48",  # local-use translation
        "100::/64",  # discard only
        "100:0:0:1::/64",  # dummy prefix
        "2001::/23",  # protocol assignments: Teredo, PCP, TURN, AMT, AS112, ORCHID, DRIP …
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112 direct delegation
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link local
        "fec0::/10",  # site local (deprecated)
        "ff00::/8",  # multicast
    )
)

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 that is given out to hosts."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)
_IPV4 = 0xFFFFFFFF


def is_public(address: Address) -> bool:
    """Whether anyone on the internet would reach the same host there.

    IPv4 addresses wrapped in IPv6 ones (mapped, NAT64, 6to4, Teredo, ISATAP) count as what they
    lead to.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    if any(not is_public(inner) for inner in embedded(address)):
        return False
    if address in _MAPPED or address in _NAT64 or address in _TEREDO:
        return True
    return address in GLOBAL_UNICAST and not any(address in network for network in SPECIAL_IPV6)


def embedded(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to or through."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    bits = int(address)
    if address in _MAPPED or address in _NAT64 or address in _COMPATIBLE:
        yield ipaddress.IPv4Address(bits & _IPV4)
    elif address in _SIX_TO_FOUR:
        yield ipaddress.IPv4Address(bits >> 80 & _IPV4)
    elif address in _TEREDO:
        yield ipaddress.IPv4Address(~bits & _IPV4)  # the client's, all bits turned over
        yield ipaddress.IPv4Address(bits >> 64 & _IPV4)  # its server's
    elif bits >> 32 & _IPV4 in _ISATAP:
        yield ipaddress.IPv4Address(bits & _IPV4)
