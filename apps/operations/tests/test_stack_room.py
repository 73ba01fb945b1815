"""Calls below a request stay on one piece of stack, wherever a loop lies (python/cpython#142183)."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.operations.middleware import RoomyStackMiddleware

CALLS = 1000
# Below the middleware; our deepest page makes 133 calls within each other.
DEPTH = 800


def leaf() -> None:
    """A call that may cross an edge."""


def faults_of_loop() -> int:
    """How many pages of memory the system had to bring for a loop of calls; a new piece is one."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(CALLS):
        leaf()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def at_depth(depth: int, function: Callable[[], int]) -> int:
    """Call ``function`` so many calls further down."""
    return function() if depth == 0 else at_depth(depth - 1, function)


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="the system does not tell")
def test_no_depth_below_a_request_lies_at_an_edge() -> None:
    slow: list[int] = []

    def answer(request: HttpRequest) -> HttpResponse:
        slow.extend(depth for depth in range(DEPTH) if at_depth(depth, faults_of_loop) > CALLS // 2)
        return HttpResponse("done")

    assert RoomyStackMiddleware(answer)(HttpRequest()).content == b"done"
    assert slow == []


def test_it_stands_before_all_others() -> None:
    assert settings.MIDDLEWARE[0] == "apps.operations.middleware.RoomyStackMiddleware"
