"""Connections to addresses that were looked at: a name cannot lead elsewhere between look and connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.request import getproxies

import httpx2

from apps.tenants.addresses import resolve
from apps.tenants.exceptions import UnknownHostError

# A host that answers at none of so many is not there.
_MOST_ADDRESSES = 3
_PORTS = {"http": 80, "https": 443}
# Schemes for which the environment may name a proxy.
_PROXIED = frozenset({"http", "https", "all"})


def pinned_transport(is_allowed: Callable[[str], bool]) -> PinnedTransport | None:
    """How to connect to an address that a tenant named; None, for the client's own way, behind a proxy.

    A proxy that the environment names makes the connections, and has to refuse private addresses itself.
    """
    return PinnedTransport(is_allowed) if _PROXIED.isdisjoint(getproxies()) else None


class AddressBarredError(httpx2.ConnectError):
    """The host has an address to which no connection may be made."""


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Resolves a host itself, holds each of its addresses against a rule, and connects to one of them.

    The certificate is checked for the host's name, and ``Host`` is what it was.
    """

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request.

        Raises:
            AddressBarredError: the rule refuses an address of the host.
            httpx2.TransportError: as any transport; a host that is not known is a ``ConnectError``.
        """
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or _PORTS[request.url.scheme]
        try:
            addresses = await asyncio.to_thread(resolve, host, port)
        except UnknownHostError as error:
            raise httpx2.ConnectError(error.message, request=request) from error
        if not all(map(self._is_allowed, addresses)):
            raise AddressBarredError("The host leads where it may not.", request=request)
        *others, last = addresses[:_MOST_ADDRESSES]
        for address in others:
            try:
                return await self._inner.handle_async_request(_aimed(request, host, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_aimed(request, host, last))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _aimed(request: httpx2.Request, host: str, address: str) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
