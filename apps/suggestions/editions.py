"""Which edition of a suggestion a client has read: its ETag, ``If-Match`` and ``If-None-Match``.

An ETag is the edition, that is ``refreshed_at``, and after a point a digest of all that was answered. A
decision is held to the edition alone: who has decided, and what has changed in the record since, the decision
compares by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from apps.suggestions.exceptions import EditionChangedError
from apps.tenants.api import UtcDateTimeField, parse_moment

_DIGEST_CHARACTERS = 16


def etag_of(body: Mapping[str, Any]) -> str:
    """The ETag of a suggestion as it is answered, its ``refreshed_at`` among the rest."""
    digest = hashlib.sha256(JSONRenderer().render(body)).hexdigest()[:_DIGEST_CHARACTERS]
    return f'"{body["refreshed_at"]}.{digest}"'


def read_edition(request: Request) -> datetime | None:
    """The edition that ``If-Match`` names, with or without a digest; None without one, and for ``*``.

    Raises:
        EditionChangedError: it names something that is no suggestion's edition.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    etags = parse_etags(header)
    if etags == ["*"]:
        return None
    # A proxy that compresses answers marks their ETags as weak; the edition in it still holds.
    text = etags[0].removeprefix("W/").strip('"') if len(etags) == 1 else ""
    edition, _, rest = text.partition("Z")
    try:
        moment = parse_moment(f"{edition}Z")
    except ValueError as error:
        raise EditionChangedError(None) from error
    if rest and not rest.startswith("."):
        raise EditionChangedError(None)
    return moment


def is_as_read(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names what would be answered."""
    read = parse_etags(request.headers.get("If-None-Match", ""))
    return read == ["*"] or etag in {text.removeprefix("W/") for text in read}


def edition_text(moment: datetime) -> str:
    """An edition as the API writes it."""
    return str(UtcDateTimeField().to_representation(moment))
