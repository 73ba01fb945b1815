"""Looking at records with one trigger: at all of them, or at those that changed or came due.

Both end in the same statement (``detection``). What a trigger has seen is kept in its ``TriggerState``, which
is written in the transaction of its signals: a look that fails leaves it where it was, and the next one
makes up for it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.crm.enums import RecordKind
from apps.tenants.locks import asking_lock_for_transaction
from apps.tenants.statements import Asked, Prepared, ask_together
from apps.triggers.changes import MOST_CHANGES, Horizon, read_changes, read_horizon
from apps.triggers.crossings import Span, crossed_records
from apps.triggers.detection import Detection, clear_all, detect
from apps.triggers.epochs import epoch_of
from apps.triggers.models import TriggerSetting, TriggerState
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.statements import detect_among
from apps.triggers.watches import Changes, Watch

log = logging.getLogger(__name__)

# One trigger may take so long; a statement that has run away is no reason to stop the others.
STATEMENT_TIMEOUT_S = 300

# Past that, what changed and came due is most of what there is. One that cannot look, because its query
# raises, is left behind and does not make the others go back for it.
LONGEST_LOOK_BACK = timedelta(days=2)

# The epoch of a trigger that is off: no answer depends on anything, and the first one after it is full.
SWITCHED_OFF = ""
# That of a trigger that is to look at everything, whatever it has seen.
_LOOKS_ANEW = "anew"


@dataclass(frozen=True, slots=True)
class Look:
    """What one trigger is about to look at: everything, or the candidates."""

    trigger: Trigger[Any]
    parameters: Parameters
    epoch: str
    seen: TriggerState | None
    candidates: frozenset[int] | None = None

    @property
    def is_full(self) -> bool:
        """Whether every record is looked at."""
        return self.candidates is None


@dataclass(frozen=True, slots=True)
class Round:
    """The looks of an incremental scan: those with something to look at, and those without.

    ``broken`` names the errors of triggers that could not say what to look at; they stay where they were.
    """

    horizon: Horizon
    busy: tuple[Look, ...]
    idle: tuple[Look, ...]
    broken: Mapping[str, str]


def look_fully(
    trigger: Trigger[Any],
    setting: TriggerSetting | None,
    moment: ScanMoment,
    *,
    then: Mapping[str, TriggerState] | None = None,
) -> Detection:
    """Look at every record; a trigger that is switched off finds nothing, and its signals are cleared.

    The caller's transaction bounds it. ``then`` says how far triggers had looked when the scan began: where a
    round has looked since, its later moment is taken over, so that nothing is undone.

    Raises:
        InvalidParametersError: the tenant's parameters are out of bounds.
    """
    _begin(trigger)
    if setting is not None and not setting.is_enabled:
        TriggerState.objects.filter(trigger=trigger.key).update(epoch=SWITCHED_OFF)
        return clear_all(trigger, moment)
    parameters = trigger.parse(setting.parameters if setting else {})
    if then is not None:
        moment = _not_before_rounds(moment, then.get(trigger.key), trigger)
    horizon = read_horizon()
    found = detect(trigger, moment, parameters)
    state = TriggerState(
        trigger=trigger.key,
        cursor=horizon.oldest_open,
        looked_at=moment.now,
        looked_fully_at=moment.now,
        epoch=epoch_of(trigger, moment, parameters),
    )
    TriggerState.objects.bulk_create(
        [state],
        update_conflicts=True,
        unique_fields=["trigger"],
        update_fields=["cursor", "looked_at", "looked_fully_at", "epoch"],
    )
    return found


def _not_before_rounds(
    moment: ScanMoment, then: TriggerState | None, trigger: Trigger[Any]
) -> ScanMoment:
    """The moment, or the later one of a round that has looked since the scan began.

    Its cursor may stand where it stood: as long as one transaction is open, here or in any other tenant.
    """
    state = TriggerState.objects.filter(trigger=trigger.key).first()
    if state is None or (then is not None and state.looked_at == then.looked_at):
        return moment
    return replace(moment, now=max(moment.now, state.looked_at))


def look_within(
    trigger: Trigger[Any],
    setting: TriggerSetting | None,
    moment: ScanMoment,
    candidates: Collection[int],
) -> Detection:
    """Look at some records, whatever has changed, as ``look_fully`` would at them.

    How far the trigger has looked stays as it is: it has not looked at the others.

    Raises:
        InvalidParametersError: the tenant's parameters are out of bounds.
    """
    _begin(trigger)
    return detect_within(trigger, setting, moment, candidates)


def detect_within(
    trigger: Trigger[Any],
    setting: TriggerSetting | None,
    moment: ScanMoment,
    candidates: Collection[int],
) -> Detection:
    """The same without waiting for other looks, where the caller holds what it asks about."""
    if setting is not None and not setting.is_enabled:
        return clear_all(trigger, moment, candidates=candidates)
    parameters = trigger.parse(setting.parameters if setting else {})
    return detect(trigger, moment, parameters, candidates=candidates)


def beginning_at_candidates(
    look: Look, horizon: Horizon, moment: ScanMoment
) -> tuple[Asked[Any], ...]:
    """What ``look_at_candidates`` begins with, to be sent along with the role; it is told the last answer."""
    assert look.seen is not None  # noqa: S101 - narrows the type
    return (*_beginning(look.trigger), _moving(look.seen, horizon, moment))


def look_at_candidates(look: Look, moment: ScanMoment, *, has_moved: bool) -> Detection | None:
    """Look at what changed or came due; None when another scan has looked since the look was planned.

    Its cursor is not past our changes then, or it has seen them: nothing is lost.

    Raises:
        OutdatedPlanError: a table was altered; the transaction is to be tried again.
    """
    assert look.candidates is not None  # noqa: S101 - narrows the type
    if not has_moved:
        return None
    return detect_among(
        look.trigger, moment, look.parameters, epoch=look.epoch, candidates=look.candidates
    )


# Each is a statement by itself: who has waited for the lock sees what was done under it. Nobody waits for the
# disk: what a crash of the database took with it, signals and how far one had looked, the next look makes up
# for; and whatever is written because of it is on disk only after it.
_LIMIT = Prepared.with_text(
    "SELECT set_config('statement_timeout', $1, true), set_config('synchronous_commit', 'off', true)",
    ["text"],
)
_MOVE = Prepared.with_text(
    "UPDATE triggers_triggerstate SET cursor = $1, looked_at = $2"
    " WHERE id = $3 AND cursor = $4 AND looked_at = $5 AND epoch = $6",
    ["bigint", "timestamptz", "bigint", "bigint", "timestamptz", "text"],
)

_NOTE_IDLE = """
UPDATE triggers_triggerstate s SET cursor = %s, looked_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[]) AS seen(id, cursor, looked_at, epoch)
WHERE s.id = seen.id AND s.cursor = seen.cursor AND s.looked_at = seen.looked_at AND s.epoch = seen.epoch
"""


def note_idle(round_: Round, moment: ScanMoment) -> None:
    """Note for all triggers without anything to look at that they have looked, unless another scan did."""
    seen = [look.seen for look in round_.idle if look.seen is not None]
    if seen:
        with connection.cursor() as cursor:
            cursor.execute(
                _NOTE_IDLE,
                [
                    round_.horizon.oldest_open,
                    moment.now,
                    [state.pk for state in seen],
                    [state.cursor for state in seen],
                    [state.looked_at for state in seen],
                    [state.epoch for state in seen],
                ],
            )


def plan_round(
    triggers: Sequence[Trigger[Any]],
    settings: Mapping[str, TriggerSetting],
    moment: ScanMoment,
    states: Mapping[str, TriggerState],
    took_place: Mapping[int, datetime],
) -> Round:
    """Find out what each trigger has to look at.

    ``took_place`` are activities dated ahead whose time has come, with their moments: they count as changed
    for who has not looked since. A trigger looks at everything when it has never looked or not for long, when
    its epoch is another, when too much has changed, or when its cursor comes from another database's past.
    """
    broken: dict[str, str] = {}
    looks: list[Look] = []
    for trigger in triggers:
        with _noting_errors(broken, trigger.key):
            look = _first_thoughts(trigger, settings.get(trigger.key), moment, states)
            if look is not None:
                looks.append(look)
    horizon = read_horizon({look.seen.cursor for look in looks if look.seen is not None})
    everything: list[Look] = []
    known: list[Look] = []
    for look in looks:
        (everything if _must_see_all(look, horizon, moment) else known).append(look)
    logged = {look.seen.cursor: Changes() for look in known if look.seen is not None}
    for cursor in logged:
        if horizon.changed[cursor]:
            logged[cursor] = read_changes(cursor, following=horizon.next_transaction)
    changes = {
        (cursor, looked_at): logged[cursor].with_more(
            RecordKind.ACTIVITY, _taking_place(took_place, looked_at, moment)
        )
        for cursor, looked_at in {
            (look.seen.cursor, look.seen.looked_at) for look in known if look.seen is not None
        }
    }
    crossed = _crossed(known, moment, broken)
    planned: list[Look] = []
    for look in known:
        if look.trigger.key not in broken:
            with _noting_errors(broken, look.trigger.key):
                ids = _touched(look, changes, moment) | crossed.get(look.trigger.key, set())
                planned.append(replace(look, candidates=frozenset(ids)))
    return Round(
        horizon,
        busy=(*everything, *(look for look in planned if look.candidates)),
        idle=tuple(look for look in planned if not look.candidates),
        broken=broken,
    )


def _first_thoughts(
    trigger: Trigger[Any],
    setting: TriggerSetting | None,
    moment: ScanMoment,
    states: Mapping[str, TriggerState],
) -> Look | None:
    """The look of a trigger before it is known what changed; None for one that is off and has cleared."""
    seen = states.get(trigger.key)
    if setting is not None and not setting.is_enabled:
        has_cleared = seen is None or seen.epoch == SWITCHED_OFF
        return None if has_cleared else Look(trigger, trigger.parse({}), SWITCHED_OFF, seen)
    parameters = trigger.parse(setting.parameters if setting else {})
    return Look(trigger, parameters, epoch_of(trigger, moment, parameters), seen)


def _must_see_all(look: Look, horizon: Horizon, moment: ScanMoment) -> bool:
    return (
        look.seen is None
        or look.seen.epoch != look.epoch
        or look.seen.cursor > horizon.next_transaction
        or horizon.changed[look.seen.cursor] > MOST_CHANGES
        or abs(moment.now - look.seen.looked_at) > LONGEST_LOOK_BACK
    )


def _taking_place(
    took_place: Mapping[int, datetime], looked_at: datetime, moment: ScanMoment
) -> frozenset[int]:
    first, last = sorted((looked_at, moment.now))
    return frozenset(pk for pk, at in took_place.items() if first <= at <= last)


def _crossed(
    looks: Sequence[Look], moment: ScanMoment, broken: dict[str, str]
) -> dict[str, set[int]]:
    """Ask for the crossed records of all triggers at once; one by one when that fails for one of them."""
    spans = [_span_of(look, moment) for look in looks]
    try:
        return crossed_records(spans)
    except Exception:
        log.exception("the edges of some trigger could not be read")
    crossed: dict[str, set[int]] = {}
    for span in spans:
        with _noting_errors(broken, span.trigger.key):
            crossed |= crossed_records([span])
    return crossed


def _span_of(look: Look, moment: ScanMoment) -> Span:
    assert look.seen is not None  # noqa: S101 - narrows the type
    return Span(
        look.trigger, look.parameters, before=replace(moment, now=look.seen.looked_at), after=moment
    )


def _touched(
    look: Look, changes: Mapping[tuple[int, datetime], Changes], moment: ScanMoment
) -> set[int]:
    assert look.seen is not None  # noqa: S101 - narrows the type
    changed = changes[look.seen.cursor, look.seen.looked_at]
    if not changed:
        return set()
    kind = look.trigger.record_kind
    watches = _watches_within(look, replace(moment, now=look.seen.looked_at), moment)
    return set().union(*(changed.concerning(watch, kind) for watch in watches))


def _watches_within(look: Look, before: ScanMoment, after: ScanMoment) -> Iterable[Watch]:
    """The trigger's watches, of rows alone that it may have matched at one of two moments."""
    begins = [look.trigger.looks_back_to(moment, look.parameters) for moment in (before, after)]
    known = [begin for begin in begins if begin is not None]
    watches = look.trigger.watches
    return [watch.of_later_than(min(known)) for watch in watches] if known else watches


@contextmanager
def _noting_errors(broken: dict[str, str], key: str) -> Iterator[None]:
    """Note what goes wrong in the block under the trigger's key, so that it stops no other trigger."""
    try:
        yield
    except Exception as error:
        log.exception("a trigger could not say what to look at", extra={"trigger": key})
        broken[key] = type(error).__name__


def _moving(seen: TriggerState, horizon: Horizon, moment: ScanMoment) -> Asked[bool]:
    """Note that the trigger has looked; whether no other scan has done so since."""
    found = [seen.pk, seen.cursor, seen.looked_at, seen.epoch]
    return Asked(_MOVE, [horizon.oldest_open, moment.now, *found], lambda rows: rows[0][0] == 1)


def _begin(trigger: Trigger[Any]) -> None:
    ask_together(*_beginning(trigger))


def _beginning(trigger: Trigger[Any]) -> tuple[Asked[None], Asked[None]]:
    """One look per trigger at a time: two would clear each other's signals from older snapshots."""
    limit = Asked(_LIMIT, [str(STATEMENT_TIMEOUT_S * 1000)], lambda _: None)
    return limit, asking_lock_for_transaction(f"look-{trigger.key}")


def look_anew(keys: Collection[str]) -> None:
    """Let the next round look at everything with these triggers: for a change that leaves no trace."""
    states = TriggerState.objects.filter(trigger__in=keys).exclude(epoch=SWITCHED_OFF)
    states.update(epoch=_LOOKS_ANEW)


def oldest_look(
    states: Mapping[str, TriggerState], triggers: Sequence[Trigger[Any]], moment: datetime
) -> datetime | None:
    """When the trigger that is furthest behind looked, of those that rounds wait for; None without any.

    Those that are off, no longer there, or far behind are not waited for. Where all are far behind, because
    nobody looked for days, it is when the last of them did.
    """
    keys = {trigger.key for trigger in triggers}
    looked = [
        state.looked_at
        for key, state in states.items()
        if key in keys and state.epoch != SWITCHED_OFF
    ]
    waited_for = [at for at in looked if abs(moment - at) <= LONGEST_LOOK_BACK]
    if waited_for:
        return min(waited_for)
    return max((at for at in looked if at < moment), default=None)
