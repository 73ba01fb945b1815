"""What has been learned at a moment, and how the waiting suggestions follow it.

All SQL here may run as the role ``aisha_ai``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.brain.enums import Goal
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.learning.acceptance import Acceptance, AcceptanceTable
from apps.suggestions.learning.quieting import NOBODY, Quieting, find_quiet, quiet_lists
from apps.suggestions.models import Suggestion
from apps.users.models import User

# A confidence is shown in whole percents: what has moved by less is left alone, so that time passing by does
# not rewrite every row each quarter of an hour.
LEAST_CHANGE = 0.005


@dataclass(frozen=True, slots=True)
class Learned:
    """What decisions have taught, and for whom which kinds are quiet."""

    acceptance: AcceptanceTable
    quieting: Quieting


def read_learned(now: datetime) -> Learned:
    """Read it in two queries."""
    acceptance = AcceptanceTable.read(now)
    people = User.objects.filter(is_active=True).values_list("pk", flat=True)
    return Learned(acceptance, find_quiet(acceptance.tallies, [None, *people]))


# The rank is that of ``rules.rank``; a test holds the two against each other.
_RERANK = """
WITH learned (assignee_id, trigger, tool, segment, likelihood, estimate, rate, decided) AS (
    SELECT * FROM unnest(%(people)s::bigint[], %(triggers)s::text[], %(tools)s::text[], %(segments)s::text[],
                         %(likelihoods)s::float8[], %(estimates)s::float8[], %(rates)s::float8[],
                         %(decided)s::int[])
), news AS (
    SELECT g.id, l.rate, l.decided, l.estimate,
           (1 + log(1 + greatest(coalesce(g.value_at_stake, 0), 0)))::float8 * g.urgency AS weight
    FROM suggestions_suggestion g
    JOIN learned l ON l.assignee_id = coalesce(g.assignee_id, 0) AND l.trigger = g.trigger
                  AND l.tool = g.tool AND l.segment = g.segment
                  AND coalesce(l.likelihood, -1) = coalesce(g.likelihood, -1)
    WHERE g.state = 'pending' AND g.goal <> 'as_asked'
)
UPDATE suggestions_suggestion g
SET confidence = n.rate, confidence_n = n.decided, rank = n.weight * n.estimate
FROM news n
WHERE n.id = g.id
  AND (abs(g.rank / n.weight - n.estimate) >= %(least)s
       OR (g.confidence IS NULL) <> (n.rate IS NULL) OR abs(g.confidence - n.rate) >= %(least)s)
"""


def rerank(acceptance: AcceptanceTable) -> int:
    """Give what waits the confidence and rank of its kind as it is measured now; return how many moved.

    What people asked for keeps its rank: of it nothing is measured.

    Two statements, however much waits.
    """
    kinds = list(
        Suggestion.objects.filter(state=State.PENDING)
        .exclude(goal=Goal.AS_ASKED)
        .order_by()
        .values_list("assignee_id", "trigger", "tool", "segment", "likelihood")
        .distinct()
    )
    found: list[Acceptance] = [
        acceptance.of(trigger, tool, segment, assignee_id, likelihood=likelihood)
        for assignee_id, trigger, tool, segment, likelihood in kinds
    ]
    parameters: dict[str, Any] = {
        "people": [assignee_id or NOBODY for assignee_id, *_ in kinds],
        "triggers": [trigger for _, trigger, *_ in kinds],
        "tools": [tool for _, _, tool, *_ in kinds],
        "segments": [segment for *_, segment, _ in kinds],
        "likelihoods": [likelihood for *_, likelihood in kinds],
        "estimates": [one.estimate for one in found],
        "rates": [one.rate for one in found],
        "decided": [one.decided for one in found],
        "least": LEAST_CHANGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RERANK, parameters)
        return int(cursor.rowcount)


# What stands in a queue already stays there: nothing vanishes before its reader's eyes.
_MARK_QUIET = """
WITH quiet (assignee_id, trigger, segment) AS (
    SELECT * FROM unnest(%(people)s::bigint[], %(triggers)s::text[], %(segments)s::text[])
), told AS (
    SELECT g.id, CASE WHEN EXISTS (
               SELECT 1 FROM quiet q
               WHERE q.assignee_id = coalesce(g.assignee_id, 0) AND q.trigger = g.trigger
                 AND q.segment = g.segment) THEN %(quiet)s ELSE %(cap)s END AS why
    FROM suggestions_suggestion g
    WHERE g.state = 'pending' AND g.held_back <> '' AND g.trigger <> ''
)
UPDATE suggestions_suggestion g SET held_back = t.why
FROM told t WHERE t.id = g.id AND g.held_back <> t.why
"""


def mark_quiet(quieting: Quieting) -> int:
    """Say of what is held back whether its kind is quiet for its reader; return how many changed sides."""
    parameters: dict[str, Any] = {
        **quiet_lists(quieting),
        "quiet": HeldBack.QUIET.value,
        "cap": HeldBack.DAILY_CAP.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARK_QUIET, parameters)
        return int(cursor.rowcount)
