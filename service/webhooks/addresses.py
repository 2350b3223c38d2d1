"""Checks of webhook addresses: no client can use a webhook to reach into private networks."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""IPv6 addresses that gateways turn into the IPv4 address of their last 32 bits (NAT64)."""


_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20", "5f00::/16", "100:0:0:1::/64", "2001:10::/28"),
    )
)
"""Networks that some versions of `ipaddress` take for public: protocol assignments, relays of 6to4, old site-local
addresses, examples of documents, segment routing, discarded packets and old cryptographic hashes."""

_NAMES_OF_NO_ONE = ("localhost", "local", "internal", "home.arpa", "localdomain")
"""Endings of names that are never public: this machine's, and those that a private network gives itself."""

_NO_HOST = re.compile(r"[\s%]")
"""Characters that no host name contains; a space arrives as `%20`."""


class RefusedAddressError(Exception):
    """A webhook URL is refused; the message tells its owner why."""


def check_url(text: str, allow_private: bool) -> httpx.URL:
    """Check the URL of a webhook as far as possible without using the network; raises `RefusedAddressError`."""
    try:
        url = httpx.URL(text)
        port = url.port
    except (httpx.InvalidURL, ValueError):
        raise RefusedAddressError("This is not a valid URL.") from None
    if url.scheme != "https" and not (allow_private and url.scheme == "http"):
        begin = "https:// or http://." if allow_private else "https://; LODEPLAN_WEBHOOK_PRIVATE_TARGETS allows http."
        raise RefusedAddressError(f"The URL of a webhook must begin with {begin}")
    if not url.host or _NO_HOST.search(url.host):
        raise RefusedAddressError("The URL has no host.")
    if port is not None and not 0 < port < 2**16:
        raise RefusedAddressError("A port must be a number from 1 to 65535.")
    if url.userinfo or url.fragment:
        raise RefusedAddressError("The URL of a webhook must not have a user, password or fragment.")
    if not allow_private and _is_private(url.host):
        raise _private(url.host)
    return url


def origin_of(text: str) -> str:
    """Return scheme, host and port of a webhook's URL: all of it that may be logged. Tokens stand in the path, too, of
    the URLs of chat systems."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return ""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{f':{url.port}' if url.port else ''}/"


def look_up(host: str, port: int) -> list[str]:
    """Look up the addresses of a host, with the resolver of this system, which may take long. Raises
    `RefusedAddressError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedAddressError(f"The host {host} cannot be found ({error}).") from None
    return [str(entry[4][0]) for entry in found]


def choose_address(url: httpx.URL, addresses: Sequence[str], allow_private: bool) -> str:
    """Choose the address to connect to; raises `RefusedAddressError` if any of the host's addresses is not public.
    Connect to exactly this address: a second look-up might give another.
    """
    if not addresses:
        raise RefusedAddressError(f"The host {url.host} has no address.")
    if not allow_private and not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise _private(url.host)
    return addresses[0]


def is_public(address: Address) -> bool:
    """True if an address is public; an IPv6 address that stands for an IPv4 address is judged by the latter."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return False
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    if any(address.version == network.version and address in network for network in _NOT_PUBLIC):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_private
        and not address.is_link_local
        and not address.is_unspecified
    )


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_private(host: str) -> bool:
    """True if a host is not public whatever the network says: its address, however it is written, or its name."""
    literal = _literal(host)
    if literal:
        return not is_public(literal)
    name = host.lower().rstrip(".")
    return "." not in name or any(name == ending or name.endswith(f".{ending}") for ending in _NAMES_OF_NO_ONE)


def _literal(host: str) -> Address | None:
    """Read a host as an address, also in the old forms that resolvers take: `127.1`, `2130706433`, `0x7f.1`."""
    for read in (ipaddress.ip_address, lambda text: ipaddress.IPv4Address(socket.inet_aton(text))):
        try:
            return read(host)
        except (ValueError, OSError):
            continue
    return None


def _private(host: str) -> RefusedAddressError:
    return RefusedAddressError(
        f"The host {host} is on this machine or in a private network. LODEPLAN_WEBHOOK_PRIVATE_TARGETS allows that."
    )
