"""Stage 5: store the packets, keep the open ones true, and let the day's number into the queue.

All SQL of this stage runs as the role ``aisha_ai``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.suggestions import rules
from apps.suggestions.enums import AWAITING_PERSON, UNDECIDED, HeldBack, State
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.learning.quieting import NOTHING_QUIET, Quieting
from apps.suggestions.learning.rules import trials_on
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import inhibition_pairs
from apps.suggestions.pipeline.quarantine import codes_of, found_entry
from apps.suggestions.pipeline.storing import insert_links, insert_packets
from apps.suggestions.pipeline.untellable import find_untellable
from apps.suggestions.pipeline.validation import Accepted
from apps.suggestions.querysets import SuggestionQuerySet
from apps.triggers.rules import registry as triggers

PAIR_SETTLED = "The two records are no longer a pair to be looked at."


def deliver(
    accepted: Sequence[Accepted],
    acceptance: AcceptanceTable,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[int, int]:
    """Store new suggestions and refresh waiting ones; return how many of each."""
    fresh = [item for item in accepted if item.context.awaiting.suggestion_id is None]
    made = [packet_of(item, acceptance, now) for item in fresh]
    insert_packets(made)
    links = [
        (suggestion.pk, signal_id)
        for suggestion, item in zip(made, fresh, strict=True)
        for signal_id in item.context.awaiting.signal_ids
    ]
    again = [item for item in accepted if item.context.awaiting.suggestion_id is not None]
    # Locked: one that a person decides at this moment is waited for, and then left as it was decided.
    waiting = (
        Suggestion.objects.select_for_update()
        .filter(state__in=AWAITING_PERSON)
        .in_bulk([item.context.awaiting.suggestion_id for item in again])
    )
    renewed: list[Suggestion] = []
    hostile = [
        found_entry(item.task, suggestion.pk)
        for suggestion, item in zip(made, fresh, strict=True)
        if suggestion.hostile_codes
    ]
    for item in again:
        old = waiting.get(item.context.awaiting.suggestion_id or 0)
        if old is None or _rests(old, item):
            continue
        former = old.hostile_codes
        if old.edited_at is None:
            renewed.append(_refreshed(old, item, acceptance, now))
        else:
            renewed.append(_handed_over(old, item, now))
        links.extend((old.pk, signal_id) for signal_id in item.context.awaiting.signal_ids)
        if old.hostile_codes and old.hostile_codes != former:
            hostile.append(found_entry(item.task, old.pk))
    Suggestion.objects.bulk_update(renewed, _REFRESHED_FIELDS, batch_size=200)
    insert_links(links)
    record_events(
        actor,
        [
            *(_entry(Event.SUGGESTION_CREATED, suggestion) for suggestion in made),
            *(_entry(Event.SUGGESTION_REFRESHED, suggestion) for suggestion in renewed),
            *hostile,
        ],
    )
    return len(made), len(renewed)


def _rests(suggestion: Suggestion, item: Accepted) -> bool:
    """What is snoozed, or edited by a person, is left as it is unless it is to be somebody else's.

    Of the two, what is snoozed is written anew when it tells of what its readers may not see.
    """
    is_same_person = suggestion.assignee_id == item.context.assignee_id
    is_edited = suggestion.edited_at is not None
    is_snoozed = suggestion.state == State.SNOOZED and not item.context.awaiting.is_untellable
    return (is_snoozed or is_edited) and is_same_person


def _handed_over(suggestion: Suggestion, item: Accepted, now: datetime) -> Suggestion:
    """What a person has edited goes to its new assignee as they left it."""
    suggestion.record_label = item.context.label[:300]
    _assign(suggestion, item.context.assignee_id)
    suggestion.refreshed_at = rules.edition_after(suggestion.refreshed_at, now)
    return suggestion


def _assign(suggestion: Suggestion, assignee_id: int | None) -> None:
    """Say whose it is; that a person gave it to somebody else is over with that."""
    if suggestion.assignee_id != assignee_id:
        suggestion.given_by_id = suggestion.given_for_id = None
    suggestion.assignee_id = assignee_id


_REFRESHED_FIELDS = [
    "record_label", "assignee", "given_by", "given_for", "trigger", "segment", "tool", "arguments",
    "before_values", "guard_values", "risk", "title", "reason", "facts", "evidence", "hostile_codes",
    "value_at_stake", "currency", "urgency", "likelihood", "confidence", "confidence_n", "rank", "provider",
    "brain_call", "refreshed_at", "expires_at",
]  # fmt: skip


def packet_of(item: Accepted, acceptance: AcceptanceTable, now: datetime) -> Suggestion:
    """A new suggestion as the pipeline makes it: stored nowhere yet, and behind the queue."""
    awaiting = item.context.awaiting
    suggestion = Suggestion(
        state=State.PENDING,
        held_back=HeldBack.DAILY_CAP,
        origin=Origin.TRIGGER,
        goal=awaiting.goal,
        record_kind=awaiting.record.kind,
        record_id=awaiting.record.id,
        created_at=now,
        refreshed_at=now,
    )
    return _written(suggestion, item, acceptance, now)


def _refreshed(
    suggestion: Suggestion, item: Accepted, acceptance: AcceptanceTable, now: datetime
) -> Suggestion:
    suggestion.refreshed_at = rules.edition_after(suggestion.refreshed_at, now)
    return _written(suggestion, item, acceptance, now)


def _written(
    suggestion: Suggestion, item: Accepted, acceptance: AcceptanceTable, now: datetime
) -> Suggestion:
    context, proposal = item.context, item.proposal
    suggestion.trigger = context.awaiting.trigger
    suggestion.segment = rules.segment_of(context.value_at_stake)
    measured = acceptance.of(
        suggestion.trigger,
        item.tool.key,
        suggestion.segment,
        context.assignee_id,
        likelihood=context.likelihood,
    )
    suggestion.record_label = context.label[:300]
    _assign(suggestion, context.assignee_id)
    suggestion.tool = item.tool.key
    suggestion.arguments = dict(proposal.arguments)
    suggestion.before_values = {key: dict(values) for key, values in item.seen.before.items()}
    suggestion.guard_values = {key: dict(values) for key, values in item.seen.guards.items()}
    suggestion.risk = item.tool.risk
    suggestion.title = proposal.title
    suggestion.reason = proposal.reason
    suggestion.facts = [
        {
            "number": fact.number,
            "label": fact.label,
            "text": fact.text,
            "occurred_at": fact.occurred_at.isoformat() if fact.occurred_at else None,
            "record": str(fact.record) if fact.record else None,
        }
        for fact in context.facts
    ]
    suggestion.evidence = [
        {"text": claim.text, "facts": list(claim.facts)} for claim in item.claims
    ]
    suggestion.hostile_codes = codes_of(item.task.withheld)
    suggestion.value_at_stake = context.value_at_stake
    suggestion.currency = context.currency
    suggestion.urgency = context.awaiting.urgency
    suggestion.likelihood = context.likelihood
    suggestion.confidence = measured.rate
    suggestion.confidence_n = measured.decided
    suggestion.rank = rules.rank(
        value_at_stake=context.value_at_stake,
        urgency=context.awaiting.urgency,
        acceptance=measured.estimate,
    )
    suggestion.provider = proposal.provider
    suggestion.brain_call = item.call
    suggestion.expires_at = max(now, suggestion.snoozed_until or now) + rules.LIFETIME
    return suggestion


def withdraw_untellable(ids: Collection[int], *, actor: Actor) -> int:
    """Withdraw those of the suggestions that still tell of what their readers may not see.

    For what could be written anew that has been done.
    """
    left = {*ids}.intersection(find_untellable()) if ids else set()
    found = Suggestion.objects.filter(pk__in=left, state__in=UNDECIDED)
    withdrawn = list(_named(found.select_for_update()))
    Suggestion.objects.filter(pk__in=[row.pk for row in withdrawn]).update(
        state=State.WITHDRAWN,
        closed_because="It was written from a record that its readers may not see any more.",
    )
    record_events(actor, [_entry(Event.SUGGESTION_WITHDRAWN, row) for row in withdrawn])
    return len(withdrawn)


def withdraw_cleared(*, actor: Actor) -> int:
    """Withdraw undecided suggestions none of whose signals is firing any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE suggestions_suggestion g
            SET state = 'withdrawn', closed_because = 'The reason no longer holds.'
            WHERE g.state IN ('pending', 'snoozed') AND g.origin = 'trigger'
              AND NOT EXISTS (
                  SELECT 1 FROM suggestions_suggestionsignal l
                  JOIN triggers_signal s ON s.id = l.signal_id
                  WHERE l.suggestion_id = g.id AND s.cleared_at IS NULL)
            RETURNING g.id
            """
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    withdrawn = list(_named(Suggestion.objects.filter(pk__in=ids)))
    record_events(actor, [_entry(Event.SUGGESTION_WITHDRAWN, row) for row in withdrawn])
    return len(withdrawn)


_WITHDRAW_SETTLED = """
UPDATE suggestions_suggestion g SET state = 'withdrawn', closed_because = %(because)s
FROM duplicates_pair p
WHERE g.state IN ('pending', 'snoozed') AND g.goal = 'merge_duplicates' AND p.state <> 'open'
  AND p.key IN (format('%%s:%%s|%%s:%%s', g.arguments ->> 'record_kind', g.arguments ->> 'survivor_id',
                       g.arguments ->> 'duplicate_kind', g.arguments ->> 'duplicate_id'),
                format('%%s:%%s|%%s:%%s', g.arguments ->> 'duplicate_kind', g.arguments ->> 'duplicate_id',
                       g.arguments ->> 'record_kind', g.arguments ->> 'survivor_id'))
RETURNING g.id
"""


def withdraw_settled(*, actor: Actor) -> int:
    """Withdraw undecided merges of two records of which it is settled by now whether they are the same."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW_SETTLED, {"because": PAIR_SETTLED})
        ids = [pk for (pk,) in cursor.fetchall()]
    withdrawn = list(_named(Suggestion.objects.filter(pk__in=ids)))
    record_events(actor, [_entry(Event.SUGGESTION_WITHDRAWN, row) for row in withdrawn])
    return len(withdrawn)


# One for whose record and goal some signal still counts is kept: it will be refreshed to rest on that one.
# Looked up by index, record by record, for the reason that stands in ``awaiting``.
_SUPERSEDE = """
WITH inhibits (stronger, weaker, label) AS (
    SELECT * FROM unnest(%(stronger)s::text[], %(weaker)s::text[], %(labels)s::text[])
), closing AS (
    SELECT g.id, f.label
    FROM suggestions_suggestion g
    CROSS JOIN LATERAL (
        SELECT bool_and(a.label IS NOT NULL) AS is_inhibited,
               (array_agg(a.label ORDER BY a.severity DESC, a.label))[1] AS label
        FROM triggers_signal s
        LEFT JOIN LATERAL (
            SELECT i.label, t.severity FROM triggers_signal t
            JOIN inhibits i ON i.stronger = t.trigger AND i.weaker = s.trigger
            WHERE t.record_kind = s.record_kind AND t.record_id = s.record_id AND t.cleared_at IS NULL
            ORDER BY t.severity DESC, t.trigger LIMIT 1
        ) a ON true
        WHERE s.record_kind = g.record_kind AND s.record_id = g.record_id AND s.goal = g.goal
          AND s.cleared_at IS NULL
    ) f
    WHERE g.state IN ('pending', 'snoozed') AND g.origin = 'trigger' AND f.is_inhibited
)
UPDATE suggestions_suggestion g
SET state = 'superseded', closed_because = format('“%%s” stands above it.', c.label)
FROM closing c WHERE g.id = c.id AND g.state IN ('pending', 'snoozed')
RETURNING g.id
"""


def supersede_inhibited(*, actor: Actor) -> int:
    """Close undecided suggestions all of whose signals a stronger one of the same record stands above."""
    pairs = inhibition_pairs()
    labels = [triggers.label(key) for key in pairs["stronger"]]
    with connection.cursor() as cursor:
        cursor.execute(_SUPERSEDE, {**pairs, "labels": labels})
        ids = [pk for (pk,) in cursor.fetchall()]
    superseded = list(_named(Suggestion.objects.filter(pk__in=ids)))
    record_events(actor, [_entry(Event.SUGGESTION_SUPERSEDED, row) for row in superseded])
    return len(superseded)


def expire_old(*, actor: Actor, now: datetime) -> list[Suggestion]:
    """Close what nobody decided, or tried again, in time, and return it."""
    found = list(_named(Suggestion.objects.past_expiry(now).select_for_update()))
    expired = Suggestion.objects.filter(pk__in=[row.pk for row in found])
    expired.filter(state=State.FAILED).update(
        state=State.EXPIRED,
        closed_because="It could not be written, and nobody tried again in time.",
    )
    expired.exclude(state=State.EXPIRED).update(
        state=State.EXPIRED, closed_because="Nobody decided in time."
    )
    record_events(actor, [_entry(Event.SUGGESTION_EXPIRED, row) for row in found])
    return found


def wake_snoozed(*, actor: Actor, now: datetime) -> int:
    """Bring back suggestions whose snooze is over, or for which something has changed."""
    due = Q(pk__in=_changed_since_snoozed()) | Q(snoozed_until__lte=now)
    snoozed = Suggestion.objects.filter(due, state=State.SNOOZED)
    found = list(_named(snoozed.select_for_update()))
    Suggestion.objects.filter(pk__in=[row.pk for row in found]).update(
        state=State.PENDING, snoozed_until=None, snoozed_until_change_since=None
    )
    record_events(actor, [_entry(Event.SUGGESTION_WOKEN, row) for row in found])
    return len(found)


# What is looked at is the record itself: its fields by the change log, and when somebody was last in touch.
# Of a call, a mail, a task or a contract that is asked of what it hangs on.
_CHANGED = """
WITH snoozed AS (
    SELECT g.id, g.record_kind, g.record_id, g.snoozed_until_change_since AS since,
           coalesce(a.opportunity_id, t.opportunity_id) AS opportunity_id,
           coalesce(a.lead_id, t.lead_id) AS lead_id,
           coalesce(a.contact_id, t.contact_id) AS contact_id,
           coalesce(a.account_id, t.account_id, c.account_id) AS account_id
    FROM suggestions_suggestion g
    LEFT JOIN crm_activity a ON g.record_kind = 'activity' AND a.id = g.record_id
    LEFT JOIN crm_task t ON g.record_kind = 'task' AND t.id = g.record_id
    LEFT JOIN crm_contract c ON g.record_kind = 'contract' AND c.id = g.record_id
    WHERE g.state = 'snoozed' AND g.snoozed_until_change_since IS NOT NULL
), about AS (
    SELECT *, CASE WHEN opportunity_id IS NOT NULL THEN 'opportunity' WHEN lead_id IS NOT NULL THEN 'lead'
                   WHEN contact_id IS NOT NULL THEN 'contact' WHEN account_id IS NOT NULL THEN 'account'
                   ELSE record_kind END AS kind,
           coalesce(opportunity_id, lead_id, contact_id, account_id, record_id) AS of_id
    FROM snoozed
)
SELECT g.id FROM about g
WHERE EXISTS (SELECT 1 FROM crm_changelog c
              WHERE c.record_kind = g.record_kind AND c.record_id = g.record_id AND c.changed_at > g.since)
   OR g.since < (
        SELECT last_activity_at FROM crm_lead WHERE g.kind = 'lead' AND id = g.of_id
        UNION ALL
        SELECT last_activity_at FROM crm_contact WHERE g.kind = 'contact' AND id = g.of_id
        UNION ALL
        SELECT last_activity_at FROM crm_account WHERE g.kind = 'account' AND id = g.of_id
        UNION ALL
        SELECT last_activity_at FROM crm_opportunity WHERE g.kind = 'opportunity' AND id = g.of_id)
"""


def _changed_since_snoozed() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED)
        return [pk for (pk,) in cursor.fetchall()]


# The best of each goal in turn, so that a day holds some of everything; a person's allowance is the cap
# less what waits already or, if that is more, less what has come today; what they asked for does not count.
# What was approved today and taken back, and is still found, comes again whatever the allowance: its reader
# had it before.
# What is quiet comes on trial alone:
# so does what its reader has hardly decided on and what would not come by its rank, a kind a day, in an order
# that changes from day to day.
_RELEASE = """
WITH load AS (
    SELECT assignee_id,
           count(*) FILTER (WHERE state = 'pending' AND held_back = '') AS waiting,
           count(*) FILTER (WHERE queued_at >= %(day_begins)s) AS today,
           count(*) FILTER (WHERE queued_at >= %(day_begins)s AND is_on_trial) AS tried
    FROM suggestions_suggestion
    WHERE ((state = 'pending' AND held_back = '') OR queued_at >= %(day_begins)s) AND goal <> 'as_asked'
    GROUP BY assignee_id
), undone AS (
    SELECT DISTINCT record_kind, record_id, goal FROM suggestions_suggestion
    WHERE state = 'undone' AND reviewed_at >= %(day_begins)s
), proven (assignee_id, trigger, segment) AS (
    SELECT * FROM unnest(%(people)s::bigint[], %(triggers)s::text[], %(segments)s::text[])
), held AS (
    SELECT g.id, g.assignee_id, g.goal, g.rank, g.trigger, g.segment, g.held_back = 'quiet' AS is_quiet,
           u.goal IS NOT NULL AND g.held_back <> 'quiet' AS comes_again,
           %(cap)s - greatest(coalesce(l.waiting, 0), coalesce(l.today, 0)) AS room,
           greatest(%(trials)s - coalesce(l.tried, 0), 0) AS trials
    FROM suggestions_suggestion g LEFT JOIN load l ON l.assignee_id IS NOT DISTINCT FROM g.assignee_id
    LEFT JOIN undone u ON (u.record_kind, u.record_id, u.goal) = (g.record_kind, g.record_id, g.goal)
    WHERE g.state = 'pending' AND g.held_back <> ''
), turns AS (
    SELECT *, row_number() OVER (PARTITION BY assignee_id, goal ORDER BY rank DESC, id) AS turn
    FROM held WHERE room > 0 AND NOT is_quiet AND NOT comes_again
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY assignee_id ORDER BY turn, rank DESC, id) AS place
    FROM turns
), unproven AS (
    SELECT h.id, h.assignee_id, h.trigger, h.segment, least(h.trials, h.room) AS trials,
           row_number() OVER (PARTITION BY h.assignee_id, h.trigger, h.segment
                              ORDER BY h.rank DESC, h.id) AS turn
    FROM held h LEFT JOIN placed p ON p.id = h.id
    WHERE h.room > 0 AND h.trials > 0 AND h.trigger <> ''
      AND (h.is_quiet OR (p.place > h.room - h.trials AND NOT EXISTS (
          SELECT 1 FROM proven v
          WHERE v.assignee_id = h.assignee_id AND v.trigger = h.trigger AND v.segment = h.segment)))
), drawn AS (
    SELECT id, assignee_id, trials, row_number() OVER (
               PARTITION BY assignee_id
               ORDER BY turn, md5(concat_ws(' ', %(day)s, assignee_id, trigger, segment)), id) AS place
    FROM unproven
), on_trial AS (
    SELECT id, assignee_id FROM drawn WHERE place <= trials
), by_rank AS (
    SELECT p.id, p.room - (SELECT count(*) FROM on_trial t
                           WHERE t.assignee_id IS NOT DISTINCT FROM p.assignee_id) AS room,
           row_number() OVER (PARTITION BY p.assignee_id ORDER BY p.place) AS place
    FROM placed p WHERE NOT EXISTS (SELECT 1 FROM on_trial t WHERE t.id = p.id)
), released AS (
    SELECT id, true AS is_on_trial FROM on_trial
    UNION ALL
    SELECT id, false FROM by_rank WHERE place <= room
    UNION ALL
    SELECT id, false FROM held WHERE comes_again
)
UPDATE suggestions_suggestion g
SET held_back = '', queued_at = %(now)s, is_on_trial = r.is_on_trial
FROM released r WHERE r.id = g.id
"""


def fill_queues(
    *, cap_per_day: int, day_begins: datetime, now: datetime, quieting: Quieting = NOTHING_QUIET
) -> int:
    """Let held-back suggestions into the queues, up to each person's number a day; return the rest.

    Beside that number comes again what was approved and taken back on the same day.
    """
    proven = sorted(quieting.proven)
    parameters: dict[str, Any] = {
        "cap": cap_per_day,
        "trials": trials_on(day_begins.date(), per_day=cap_per_day),
        "day": day_begins.date().isoformat(),
        "day_begins": day_begins,
        "now": now,
        "people": [person_id for person_id, _, _ in proven],
        "triggers": [trigger for _, trigger, _ in proven],
        "segments": [segment for _, _, segment in proven],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, parameters)
    return Suggestion.objects.held_back().count()


def _named(suggestions: SuggestionQuerySet) -> SuggestionQuerySet:
    """With what their audit entries say and why they were held back, and nothing more."""
    fields = ("record_kind", "record_id", "goal", "tool", "held_back")
    return suggestions.only(*fields).order_by("pk")


def _entry(event: Event, suggestion: Suggestion) -> Entry:
    return Entry(
        event,
        record_kind=suggestion.record_kind,
        record_id=suggestion.record_id,
        suggestion_id=suggestion.pk,
        details={"goal": suggestion.goal, "tool": suggestion.tool},
    )
