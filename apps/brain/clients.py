"""The official client of a provider: it follows no redirects, and reaches where a tenant may send to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from apps.brain.addresses import is_listed
from apps.tenants.addresses import is_public
from apps.tenants.pinned import pinned_transport

if TYPE_CHECKING:
    import openai


def is_pinned(base_url: str, *, is_own_address: bool) -> bool:
    """Whether the address leads to the public internet alone, whatever its name leads to by now.

    It does not where the operator answers for where it leads: their address, a host of their list.
    """
    return is_own_address and not is_listed(urlsplit(base_url).hostname or "")


def async_client(
    base_url: str,
    api_key: str,
    *,
    is_own_address: bool,
    timeout: openai.Timeout,
    max_retries: int = 0,
) -> openai.AsyncOpenAI:
    """A client for as long as one event loop runs; an empty address is OpenAI's own."""
    # The client is large; a process that asks no provider does without it.
    import openai

    is_held = is_pinned(base_url, is_own_address=is_own_address)
    return openai.AsyncOpenAI(
        api_key=api_key,
        base_url=base_url or None,
        max_retries=max_retries,
        # A redirect could lead the key, and what is sent with it, to another host.
        http_client=openai.DefaultAsyncHttpxClient(
            timeout=timeout,
            follow_redirects=False,
            transport=pinned_transport(is_public) if is_held else None,
        ),
    )
