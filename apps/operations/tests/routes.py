"""Walking the URL maps: every address that the site answers, with places for its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

TENANT_MAP, PUBLIC_MAP = "aisha.urls_tenant", "aisha.urls_public"
NOBODYS = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its name with namespaces, and its path with ``%(name)s`` for arguments."""

    name: str
    path: str
    # Arguments that are no numbers: the names of those that are UUIDs.
    uuids: frozenset[str] = frozenset()

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"%\((\w+)\)s", self.path)

    def fill(self, **values: object) -> str:
        """The path with these arguments; one that is not given becomes 1, or a UUID of nobody."""
        places = {name: NOBODYS if name in self.uuids else 1 for name in self.arguments}
        return self.path % (places | values)


def walk_routes(urlconf: str) -> list[Route]:
    """Every route of a URL map, those of included maps and admin sites too."""
    return list(_walk(get_resolver(urlconf), "", "", frozenset()))


def _walk(
    resolver: URLResolver, prefix: str, namespace: str, uuids: frozenset[str]
) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path, own = prefix + _template(entry), uuids | _uuids(entry)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, path, inner, own)
        else:
            yield Route(f"{namespace}{entry.name or ''}", f"/{path}", own)


def _uuids(entry: URLPattern | URLResolver) -> frozenset[str]:
    return frozenset(re.findall(r"<uuid:(\w+)>", str(entry.pattern)))


def _template(entry: URLPattern | URLResolver) -> str:
    if isinstance(entry.pattern, RoutePattern):
        route = str(entry.pattern)
        return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", route)
    template, _ = normalize(str(entry.pattern))[0]
    return str(template)
