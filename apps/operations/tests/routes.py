"""Walking the URL maps: every address that the site answers, with places for its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

TENANT_MAP, PUBLIC_MAP = "aisha.urls_tenant", "aisha.urls_public"


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its name with namespaces, and its path with ``%(name)s`` for arguments."""

    name: str
    path: str

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"%\((\w+)\)s", self.path)

    def fill(self, **values: object) -> str:
        """The path with these arguments; one that is not given becomes 1."""
        return self.path % (dict.fromkeys(self.arguments, 1) | values)


def walk_routes(urlconf: str) -> list[Route]:
    """Every route of a URL map, those of included maps and admin sites too."""
    return list(_walk(get_resolver(urlconf), "", ""))


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + _template(entry)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, path, inner)
        else:
            yield Route(f"{namespace}{entry.name or ''}", f"/{path}")


def _template(entry: URLPattern | URLResolver) -> str:
    if isinstance(entry.pattern, RoutePattern):
        route = str(entry.pattern)
        return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", route)
    template, _ = normalize(str(entry.pattern))[0]
    return str(template)
