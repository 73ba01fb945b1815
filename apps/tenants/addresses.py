"""Where a name that a tenant gives leads: to the public internet, or to this network."""

from __future__ import annotations

import ipaddress
import socket

from apps.tenants.exceptions import UnknownHostError

# IPv6 addresses that carry an IPv4 one, which is where they lead (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# All that IANA gives to the public of IPv6. The library knows none of the special blocks that came after it,
# and takes those that were given up (site-local, IPv4-compatible) for public.
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
# Protocol assignments, of which it bars a part (RFC 6890).
_ASSIGNED = ipaddress.ip_network("192.0.0.0/24")


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host, as a client would find them (``2130706433`` and ``0x7f.1`` too), best first.

    Raises:
        UnknownHostError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHostError() from None
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


def is_public(text: str) -> bool:
    """Whether an address stands on the public internet."""
    address = _led_to_by(text)
    if isinstance(address, ipaddress.IPv6Address):
        return address.is_global and address in _PUBLIC_IPV6
    return address.is_global and not address.is_multicast and address not in _ASSIGNED


def is_loopback(text: str) -> bool:
    """Whether an address is this machine's own."""
    return _led_to_by(text).is_loopback


def _led_to_by(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _TRANSLATED:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if carried is not None:
            return carried
    return address
