"""Where a tenant's language model may stand: on the internet, or on a host that the operator has listed.

The workers stand inside the operator's network; an address is no way for a tenant to ask what else is there.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.brain.exceptions import AddressRefusedError
from apps.tenants.addresses import is_public, resolve
from apps.tenants.exceptions import UnknownHostError

_HTTPS_PORT = 443


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
    if is_listed(host):
        return
    if parts.scheme != "https":
        raise AddressRefusedError(
            "The key and the facts travel to this address: it has to begin with https://."
        )
    if not _is_public(host, port or _HTTPS_PORT):
        raise AddressRefusedError(
            "This host stands in a private network. Only the operator can allow it."
        )


def is_listed(host: str) -> bool:
    """Whether the operator lets tenants name this host wherever it stands."""
    return host.rstrip(".") in settings.BRAIN_PRIVATE_HOSTS


def _carries_more(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _is_public(host: str, port: int) -> bool:
    try:
        return all(map(is_public, resolve(host, port)))
    except UnknownHostError as error:
        raise AddressRefusedError(error.message) from None
