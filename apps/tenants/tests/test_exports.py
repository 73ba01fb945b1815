"""CSV files that are sent while they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import RequestFactory

from apps.tenants.exports import LINES_PER_CHUNK, defuse, stream_csv


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\ta", "'\ta"),
        ("\ra", "'\ra"), ("\na", "'\na"), ("\uff0b1", "'\uff0b1"), ("a=1", "a=1"), ("", ""),
        (None, ""), (-1, -1), (Decimal("-1.50"), Decimal("-1.50")), (True, True),
    ],
)  # fmt: skip
def test_texts_that_look_like_formulas_are_defused(cell: object, safe: object) -> None:
    assert defuse(cell) == safe


def test_a_file_is_sent_while_it_is_read() -> None:
    read = []

    def rows() -> Iterator[list[object]]:
        for number in range(3 * LINES_PER_CHUNK):
            read.append(number)
            yield [number]

    request = RequestFactory().get("/")
    answer = stream_csv(request, file_name="x.csv", header=["n"], rows=rows())
    chunks = iter(answer)
    assert read == []
    next(chunks)
    assert 0 < len(read) <= LINES_PER_CHUNK
    rest = b"".join(chunks)
    assert rest.endswith(b"1499\r\n")
    assert len(read) == 3 * LINES_PER_CHUNK


def test_an_asgi_server_gets_it_piece_by_piece_too() -> None:
    async def collect() -> list[bytes]:
        scope = {
            "type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [],
        }  # fmt: skip
        request = ASGIRequest(scope, BytesIO())
        rows = ([number] for number in range(2 * LINES_PER_CHUNK))
        answer = stream_csv(request, file_name="x.csv", header=["n"], rows=rows)
        assert answer.is_async
        return [chunk async for chunk in answer.streaming_content]  # type: ignore[union-attr]

    chunks = asyncio.run(collect())
    assert len(chunks) == 3
    text = b"".join(chunks).decode()
    assert text.startswith("\ufeffn\r\n0\r\n1\r\n")
    assert text.endswith("999\r\n")
