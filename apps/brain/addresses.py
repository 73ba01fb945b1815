"""Where a tenant's language model may stand: on the internet, or on a host that the operator has listed.

The workers stand inside the operator's network; an address is no way for a tenant to ask what else is there.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.brain.exceptions import AddressRefusedError

_HTTPS_PORT = 443
# IPv6 addresses that carry an IPv4 one, which is where they lead (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def check_address(url: str) -> None:
    """Look a tenant's address over, its host's addresses included.

    HTTPS and addresses of the public internet alone; a host of ``BRAIN_PRIVATE_HOSTS`` may be anything.

    Raises:
        AddressRefusedError: it is none, it is unknown, or it leads where a tenant has no business.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefusedError("This is no address.") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise AddressRefusedError("This is no address: it begins with https:// and a host.")
    if _carries_more(parts):
        raise AddressRefusedError(
            "Leave out the user name, password, query and fragment: the key has its own field."
        )
    if host.rstrip(".") in settings.BRAIN_PRIVATE_HOSTS:
        return
    if parts.scheme != "https":
        raise AddressRefusedError(
            "The key and the facts travel to this address: it has to begin with https://."
        )
    if not all(_is_public(address) for address in _resolve(host, port or _HTTPS_PORT)):
        raise AddressRefusedError(
            "This host stands in a private network. Only the operator can allow it."
        )


def _carries_more(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _resolve(host: str, port: int) -> set[str]:
    """Every address of a host, as the client would find them: ``2130706433`` and ``0x7f.1`` too."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefusedError("There is no host of this name.") from None
    return {str(where[0]) for *_, where in found}


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _TRANSLATED:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if carried is not None:
            address = carried
    return address.is_global and not address.is_multicast
