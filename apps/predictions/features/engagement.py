"""How much a contact and we have to do with each other: a formula, with its parts to explain it.

A touch is a mail, a call or a meeting of the last year. Its weight halves every 30 days, a judgement: about
the time in which a conversation about a sale grows cold. With ``theirs`` and ``ours`` the weights of what
came from either side (a meeting comes from both) and n = theirs + ours:

- recency = 2^(-days since the last touch / 30)
- frequency = n / (n + 4): four fresh touches are half of all there can be
- reciprocity = (2 min(theirs, ours) + 1/2) / (n + 1/2): one unanswered mail says little, ten say much
- score = the geometric mean of the three, so that none of them makes up for another that is missing

Recency and frequency are those of RFM (Hughes, "Strategic Database Marketing", 1994; Fader, Hardie and Lee,
"RFM and CLV", Journal of Marketing Research 42, 2005). The weight is exponential decay (Cormode et al.,
"Forward decay", ICDE 2009). That a tie is as strong as it is mutual is Granovetter's ("The strength of weak
ties", 1973, names reciprocal services). The score nears 1 and does not reach it; the trend is the score less
that of four weeks ago.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.activities import ACTIVITY, touches
from apps.predictions.features.definitions import Factor, Feature, number
from apps.predictions.features.past import Table
from apps.predictions.features.subjects import Subject

HALF_LIFE_DAYS = 30
TREND_DAYS = 28
# Older touches weigh less than a thousandth.
_MEMORY_DAYS = 365
_HALF_FREQUENCY = 4

# One row per contact and moment: now and four weeks earlier. Weights are added up in an order, so that the
# sums are the same to the last bit however the rows were found.
_ACT = sql.SQL(
    """
    weighed AS (
        SELECT t.n, ago.days, t.is_in, t.kind,
               power(2, -extract(epoch FROM t.moment - t.at)::float8 / 86400 / {half_life}
                        + ago.days::float8 / {half_life}) AS weight
        FROM touch t CROSS JOIN (VALUES (0), ({trend})) ago(days)
        WHERE t.at <= t.moment - ago.days * interval '1 day'
          AND t.at > t.moment - (ago.days + {memory}) * interval '1 day'
    ), sides AS (
        SELECT n, days, max(weight) AS recency,
               COALESCE(sum(weight ORDER BY weight) FILTER (WHERE is_in OR kind = 'meeting'), 0) AS theirs,
               COALESCE(sum(weight ORDER BY weight) FILTER (WHERE NOT is_in OR kind = 'meeting'), 0) AS ours
        FROM weighed GROUP BY n, days
    ), part AS (
        SELECT n, days, recency, (theirs + ours) / (theirs + ours + {half_frequency}) AS frequency,
               (2 * least(theirs, ours) + 0.5) / (theirs + ours + 0.5) AS reciprocity
        FROM sides
    ), scored AS (
        SELECT *, cbrt(recency * frequency * reciprocity) AS score FROM part
    )
    """
)


def _surroundings(is_past: bool) -> Sequence[sql.Composable]:
    return (
        touches("contact_id", is_past=is_past),
        _ACT.format(
            half_life=sql.Literal(HALF_LIFE_DAYS),
            trend=sql.Literal(TREND_DAYS),
            memory=sql.Literal(_MEMORY_DAYS),
            half_frequency=sql.Literal(_HALF_FREQUENCY),
        ),
    )


def _sources(is_past: bool) -> sql.Composable:
    return sql.SQL(
        "LEFT JOIN scored ON scored.n = b.n AND scored.days = 0"
        " LEFT JOIN scored former ON former.n = b.n AND former.days > 0"
    )


_FEATURES: tuple[Feature, ...] = (
    number("score", "Engagement", Factor.STATE, "COALESCE(scored.score, 0)"),
    number(
        "trend",
        "Change in four weeks",
        Factor.STATE,
        "COALESCE(scored.score, 0) - COALESCE(former.score, 0)",
    ),
    number("recency", "How lately", Factor.SILENCE, "COALESCE(scored.recency, 0)"),
    number("frequency", "How often", Factor.FROM_US, "COALESCE(scored.frequency, 0)"),
    number("reciprocity", "How mutually", Factor.FROM_THEM, "COALESCE(scored.reciprocity, 0)"),
)

CONTACTS = Subject(
    prediction=Prediction.CONTACT_ENGAGEMENT,
    record_kind=RecordKind.CONTACT,
    about=Table(RecordKind.CONTACT, ("created_at",)),
    is_asked="true",
    began_at="r.created_at",
    features=_FEATURES,
    neighbours=(ACTIVITY,),
    surroundings=_surroundings,
    sources=_sources,
    attributes="",
)
