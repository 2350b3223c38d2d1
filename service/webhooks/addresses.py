"""Checks of webhook addresses: no client can use a webhook to reach into private networks."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""IPv6 addresses that gateways turn into the IPv4 address of their last 32 bits (NAT64)."""


_NOT_PUBLIC = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("fec0::/10"))
"""Networks that some versions of `ipaddress` take for public: protocol assignments and old site-local addresses."""


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
    literal = _literal(url.host)
    if literal and not allow_private and not is_public(literal):
        raise _private(url.host)
    return url


async def resolve(url: httpx.URL, allow_private: bool) -> str:
    """Resolve the address to connect to; raises `RefusedAddressError` if any of the host's addresses is not public.
    Connect to exactly this address: a second look-up might give another.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedAddressError(f"The host {url.host} cannot be found ({error}).") from None
    addresses = [str(entry[4][0]) for entry in found]
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


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _private(host: str) -> RefusedAddressError:
    return RefusedAddressError(
        f"The host {host} is on this machine or in a private network. LODEPLAN_WEBHOOK_PRIVATE_TARGETS allows that."
    )
