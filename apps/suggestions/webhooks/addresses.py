"""Where a webhook may lead: to the public internet over HTTPS, and nowhere inside."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from apps.suggestions.webhooks.models import LONGEST_URL
from apps.tenants.addresses import is_loopback, is_public, resolve
from apps.tenants.exceptions import UnknownHostError

_PORTS = {"http": 80, "https": 443}


def is_allowed(address: str) -> bool:
    """Whether a message may go to an IP address; to this machine's own only where a setting says so."""
    return is_public(address) or (settings.WEBHOOKS_TO_LOOPBACK and is_loopback(address))


def problem_of(url: str) -> str:
    """What is wrong with an endpoint's address, in words; empty when nothing is.

    Asks the resolver where the host leads at present; ``tenants.pinned`` asks again at each connection.
    """
    if len(url) > LONGEST_URL:
        return f"An address has at most {LONGEST_URL} characters."
    if not url.isascii() or any(sign.isspace() for sign in url):
        return "An address has neither spaces nor special characters."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme not in _PORTS or not host:
        return "This is no address: it begins with https:// and a host."
    if parts.username or parts.password or parts.fragment:
        return (
            "Leave out the user name, password and fragment: messages are signed with the secret."
        )
    try:
        addresses = resolve(host, port or _PORTS[parts.scheme])
    except UnknownHostError as error:
        return error.message
    if not all(map(is_allowed, addresses)):
        return "This host stands in a private network, to which nothing is sent."
    if parts.scheme == "http" and not all(map(is_loopback, addresses)):
        return "The address has to begin with https://."
    return ""
