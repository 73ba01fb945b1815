"""What a session's page shows: read from its stored events, within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet, Subquery
from pydantic import JsonValue

from apps.realtime.charts import (
    Bar,
    Histogram,
    Line,
    Waterfall,
    lay_out_handshake,
    lay_out_latency,
    lay_out_line,
    lay_out_turn,
)
from apps.realtime.flooding import PLENTIFUL
from apps.realtime.models import Session, TelemetryEvent, ToolCall
from apps.realtime.timeline import FIRST_TEXT, timeline_of

# As much as a page holds. The export has everything.
MOST_EVENTS = 2_000
_MOST_READ = 20_000
_MOST_TURNS = 20
_MOST_SAMPLES = 3_600
_MOST_TOOL_CALLS = 100
_MOST_BREAKS = 50
_STATES = {
    "aisha.connection_state": "Connection",
    "aisha.ice_state": "ICE",
    "aisha.channel_state": "Data channel",
}


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What of a stored event its timeline is made of."""

    at_ms: float
    type: str
    direction: str
    turn: int | None
    data: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class StateNow:
    """What a part of the connection was last said to be."""

    label: str
    state: str
    at_ms: float


@dataclass(frozen=True, slots=True)
class Break:
    """A drop, an attempt to come back, or the end."""

    at_ms: float
    label: str
    words: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class SessionReading:
    """Everything of a session's page but the stream of its events.

    ``turns_count`` counts them all, ``waterfalls`` are the latest, the newest first; ``is_cut`` says that
    there are more events than a page reads.
    """

    handshake: tuple[Bar, ...]
    handshake_ms: float | None
    waterfalls: tuple[Waterfall, ...]
    turns_count: int
    interrupted_count: int
    latencies: tuple[Histogram, ...]
    lines: tuple[Line, ...]
    states: tuple[StateNow, ...]
    breaks: tuple[Break, ...]
    tool_calls: Sequence[ToolCall]
    origins: Sequence[tuple[str, int]]
    is_cut: bool


def read_session(session: Session) -> SessionReading:
    """Read one session: five statements, whatever it holds."""
    rows = TelemetryEvent.objects.filter(session=session)
    plain = _plain(rows)
    samples = (
        rows.filter(type="aisha.stats").order_by("-at_ms", "-id").values_list("data", flat=True)
    )
    timeline = timeline_of([*plain[:_MOST_READ], *_first_words(rows)])
    latest = timeline.turns[-_MOST_TURNS:]
    return SessionReading(
        handshake=lay_out_handshake(timeline.handshake),
        handshake_ms=timeline.handshake.whole_ms,
        waterfalls=tuple(lay_out_turn(turn) for turn in reversed(latest)),
        turns_count=len(timeline.turns),
        interrupted_count=sum(turn.is_interrupted for turn in timeline.turns),
        latencies=tuple(map(lay_out_latency, timeline.latencies)),
        lines=tuple(lines_of(list(samples[:_MOST_SAMPLES])[::-1])),
        states=tuple(_states(plain)),
        breaks=tuple(_breaks(plain))[-_MOST_BREAKS:],
        tool_calls=list(
            ToolCall.objects.filter(session=session).order_by("-id")[:_MOST_TOOL_CALLS]
        ),
        origins=list(
            rows.values_list("origin").annotate(Count("id")).order_by("origin"),
        ),
        is_cut=len(plain) > _MOST_READ,
    )


def latest_turn(session: Session) -> Waterfall | None:
    """Read a session's latest turn alone; None where nobody has said anything yet."""
    rows = TelemetryEvent.objects.filter(session=session)
    numbers = rows.filter(turn__isnull=False).order_by("-turn").values("turn")
    rows = rows.filter(turn=Subquery(numbers[:1]))
    turns = timeline_of([*_plain(rows)[:_MOST_READ], *_first_words(rows)]).turns
    return lay_out_turn(turns[0]) if turns else None


def lines_of(samples: Sequence[Mapping[str, JsonValue]]) -> Iterator[Line]:
    """Draw what ``getStats`` told, sample after sample; what was never told has no line."""
    told = (
        ("Round trip", "ms", _numbers(samples, "rtt_ms")),
        ("Jitter", "ms", _numbers(samples, "jitter_ms")),
        ("Packets lost", "%", list(_losses(samples))),
        ("Received", "kbit/s", [bps / 1000 for bps in _numbers(samples, "bitrate_in_bps")]),
        ("Sent", "kbit/s", [bps / 1000 for bps in _numbers(samples, "bitrate_out_bps")]),
    )
    for name, unit, values in told:
        line = lay_out_line(name, unit, values)
        if line is not None:
            yield line


def first_row_of(session: Session) -> int:
    """The row after which as many events are stored as a page holds; 0 where it holds them all."""
    rows = TelemetryEvent.objects.filter(session=session).order_by("-pk")
    return next(iter(rows.values_list("pk", flat=True)[MOST_EVENTS : MOST_EVENTS + 1]), 0)


def latest_events(session: Session, count: int) -> list[TelemetryEvent]:
    """The last events on the browser's clock, the latest first."""
    rows = TelemetryEvent.objects.filter(session=session).order_by("-at_ms", "-id")
    return list(rows[:count])


def length_s(session: Session, now: datetime) -> int | None:
    """How long a session has lasted since its first connection; None before it."""
    if session.began_at is None:
        return None
    return max(0, int(((session.ended_at or now) - session.began_at).total_seconds()))


def _plain(rows: QuerySet[TelemetryEvent]) -> list[StoredEvent]:
    """All but what comes in floods; one more than is read where there are more."""
    return _stored(rows.exclude(type__in=PLENTIFUL).order_by("at_ms", "id")[: _MOST_READ + 1])


def _first_words(rows: QuerySet[TelemetryEvent]) -> list[StoredEvent]:
    """Of words that come in pieces the first of each turn: it tells when somebody began to be answered."""
    return _stored(
        rows.filter(type__in=FIRST_TEXT, turn__isnull=False)
        .order_by("turn", "at_ms", "id")
        .distinct("turn")[:_MOST_READ]
    )


def _stored(rows: QuerySet[TelemetryEvent]) -> list[StoredEvent]:
    columns = rows.values_list("at_ms", "type", "direction", "turn", "data")
    return [StoredEvent(*row) for row in columns]


def _numbers(samples: Iterable[Mapping[str, JsonValue]], name: str) -> list[float]:
    return [number for sample in samples if (number := _number(sample.get(name))) is not None]


def _number(value: JsonValue) -> float | None:
    # A bool is an int.
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _losses(samples: Iterable[Mapping[str, JsonValue]]) -> Iterator[float]:
    """The share of packets lost between two samples, in per cent; both counters run since the beginning."""
    before: tuple[float, float] | None = None
    for sample in samples:
        lost, received = _number(sample.get("lost")), _number(sample.get("received"))
        if lost is None or received is None:
            continue
        if before is not None:
            new_lost, new_received = lost - before[0], received - before[1]
            # A connection that was made anew counts from zero.
            whole = new_lost + new_received
            yield 100 * new_lost / whole if new_lost >= 0 and new_received >= 0 and whole else 0.0
        before = (lost, received)


def _states(events: Iterable[StoredEvent]) -> Iterator[StateNow]:
    latest = {event.type: event for event in events if event.type in _STATES}
    for type_, label in _STATES.items():
        if type_ in latest:
            event = latest[type_]
            yield StateNow(label, str(event.data.get("state", "")), event.at_ms)


def _breaks(events: Iterable[StoredEvent]) -> Iterator[Break]:
    for event in events:
        reason = str(event.data.get("reason", "")) or "no reason told"
        if event.type == "aisha.drop":
            yield Break(event.at_ms, "Dropped", reason, is_bad=True)
        elif event.type == "aisha.reconnect":
            is_back = event.data.get("ok") is True
            attempt = event.data.get("attempt", "")
            words = f"attempt {attempt}" if attempt else ""
            label = "Connected again" if is_back else "Could not connect again"
            yield Break(event.at_ms, label, words, is_bad=not is_back)
        elif event.type == "aisha.end":
            yield Break(event.at_ms, "Ended", reason, is_bad=False)
