"""A session as a document: what panels are told of its events, and everything of it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from apps.realtime.models import Session, TelemetryEvent, ToolCall

VERSION = 1
_CHUNK = 2_000


def told(row: TelemetryEvent) -> dict[str, Any]:
    """A stored event as panels have it; ``row`` is its place in the store."""
    return {
        "row": row.pk,
        "id": str(row.event_id),
        "at_ms": row.at_ms,
        "direction": row.direction,
        "type": row.type,
        "origin": row.origin,
        "turn": row.turn,
        "size_bytes": row.size_bytes,
        "data": row.data,
    }


def document_of(session: Session) -> Iterator[str]:
    """The parts of a document that, one after the other, are one JSON object."""
    calls = ToolCall.objects.filter(session=session).iterator(chunk_size=_CHUNK)
    yield json.dumps(_head(session))[:-1] + ',\n"tool_calls": ['
    yield from _listed(map(_tool_call, calls))
    yield '],\n"events": ['
    rows = TelemetryEvent.objects.filter(session=session).order_by("at_ms", "pk")
    yield from _listed(_exported(row) for row in rows.iterator(chunk_size=_CHUNK))
    yield "]}\n"


def _listed(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    between = "\n"
    for item in items:
        yield between + json.dumps(item)
        between = ",\n"


def _exported(row: TelemetryEvent) -> dict[str, Any]:
    return told(row) | {"v": row.v, "received_at": row.received_at.isoformat()}


def _head(session: Session) -> dict[str, Any]:
    return {
        "v": VERSION,
        "session": str(session.pk),
        "person": session.person.get_username(),
        "origin": session.origin,
        "origins": session.origins,
        "model": session.model,
        "voice": session.voice,
        "is_stand_in": session.is_stand_in,
        "provider_calls": session.provider_calls,
        "state": session.state,
        "end_reason": session.end_reason,
        "issued_at": session.issued_at.isoformat(),
        "began_at": session.began_at.isoformat() if session.began_at else None,
        "ended_at": session.ended_at.isoformat() if session.ended_at else None,
        "text_tokens_in": session.text_tokens_in,
        "audio_tokens_in": session.audio_tokens_in,
        "cached_tokens_in": session.cached_tokens_in,
        "text_tokens_out": session.text_tokens_out,
        "audio_tokens_out": session.audio_tokens_out,
        "cost_usd": str(session.cost_usd),
        "drops": session.drops_count,
        "reconnects": session.reconnects_count,
        "events_left_out": session.events_left_out,
    }


def _tool_call(call: ToolCall) -> dict[str, Any]:
    """A call without its answer, which holds what the person may see and others may not."""
    return {
        "call_id": call.call_id,
        "tool": call.tool,
        "status": call.status,
        "code": call.code,
        "suggestion": call.suggestion_id,
        "called_at": call.called_at.isoformat(),
        "latency_ms": call.latency_ms,
    }
