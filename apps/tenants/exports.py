"""Files that are sent while they are read; no spreadsheet takes a cell of a CSV for a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

# A spreadsheet reads a cell that begins with one of these as a formula, wherever the text came from
# (OWASP, "CSV Injection"); the last four are the full-width forms.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LINES_PER_CHUNK = 500
# Without it Excel takes UTF-8 for the local code page.
BYTE_ORDER_MARK = "\ufeff"


class _Echo:
    """A file that hands back what is written, so that csv can be read line by line."""

    def write(self, text: str) -> str:
        return text


def defuse(cell: object) -> object:
    """Return a cell that is safe in a spreadsheet: texts that look like formulas get an apostrophe.

    Numbers stay numbers, negative ones too.
    """
    if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS):
        return f"'{cell}"
    return "" if cell is None else cell


def stream_csv(
    request: HttpRequest,
    *,
    file_name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> StreamingHttpResponse:
    """Answer with a CSV file; ``rows`` is read while the file is sent, never held in memory."""
    return stream_text(
        request,
        file_name=file_name,
        content_type="text/csv; charset=utf-8",
        parts=_lines(header, rows),
    )


def stream_text(
    request: HttpRequest, *, file_name: str, content_type: str, parts: Iterator[str]
) -> StreamingHttpResponse:
    """Answer with a file; ``parts`` are read while it is sent, some hundred at a time."""
    content: Iterator[str] | AsyncIterator[str]
    # An ASGI server would collect a plain iterator whole before it sends the first byte.
    content = _send_async(parts) if isinstance(request, ASGIRequest) else _chunks(parts)
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["Cache-Control"] = "no-store"
    return response


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK
    for row in chain([header], rows):
        yield writer.writerow([defuse(cell) for cell in row])


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    while chunk := _next_chunk(lines):
        yield chunk


def _next_chunk(lines: Iterator[str]) -> str:
    return "".join(islice(lines, LINES_PER_CHUNK))


async def _send_async(lines: Iterator[str]) -> AsyncIterator[str]:
    # The request's own thread, so that the rows are read from the tenant's connection.
    read = sync_to_async(_next_chunk, thread_sensitive=True)
    while chunk := await read(lines):
        yield chunk
