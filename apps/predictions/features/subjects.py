"""Whom a prediction is about, and the statement that reads all features of some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.definitions import Factor, Feature, yes_or_no
from apps.predictions.features.past import Table, named, row_then, versions

OWN_ID = "r.id"
HAS_HISTORY = yes_or_no("has_history", "History on file", Factor.HISTORY, "b.is_known")
# What tells the rows of a statement apart, and their order; on a page the id does.
_EXAMPLE_NUMBER = "row_number() OVER (ORDER BY asked.moment, asked.id, asked.about_id)"

# A record whose first row in the change log lies a day after its own beginning came in by an import.
_KNOWN = sql.SQL(
    """
    CASE WHEN q.is_opening THEN false
         WHEN r.source = '' THEN true
         ELSE COALESCE((
             SELECT min(c.changed_at) <= {began_at} + interval '1 day' OR bool_or(c.operation = 'changed')
             FROM crm_changelog c
             WHERE c.record_kind = {kind} AND c.record_id = r.id AND c.changed_at <= q.moment), true)
    END
    """
)
_AT_MOMENT = sql.SQL(
    """
    %(moment)s::timestamptz AS moment, (%(moment)s::timestamptz AT TIME ZONE 'UTC')::date AS day,
    false AS is_opening, NULL::boolean AS outcome
    """
)
# Of an imported record the log knows nothing before the import.
_WATCHED = sql.SQL(
    """
    (p.source = '' OR COALESCE((
        SELECT min(c.changed_at) FROM crm_changelog c
        WHERE c.record_kind = {kind} AND c.record_id = p.id) <= {moment}, true))
    """
)


class Asking(Enum):
    """About which records, and as of which moments, a statement asks.

    ``PRESENT`` and ``PAST``: about those of the population at one moment, a page of them. ``EXAMPLES``: about
    those of an expression ``question``, each with a moment of its own.
    """

    PRESENT = "present"
    PAST = "past"
    EXAMPLES = "examples"

    @property
    def is_past(self) -> bool:
        """Whether rows are read as they stood."""
        return self is not Asking.PRESENT


@dataclass(frozen=True)
class Subject:
    """What a prediction asks about: ``about`` is the row that opens and closes, ``identity`` who is scored.

    SQL texts may name ``r``, the row as it stood; ``q.moment`` and ``q.day``, the question's moment; and what
    ``joins`` adds. ``columns`` and ``extra_columns`` become those of ``base``, which ``sources`` (joins to
    ``base b``) and the features' expressions read. ``began_at`` is when the record's own story begins.
    ``neighbours`` are the tables that ``surroundings`` (expressions of the statement) reads around ``base``;
    both are asked whether they read the past.
    """

    prediction: Prediction
    record_kind: RecordKind
    about: Table
    is_asked: str
    began_at: str
    features: tuple[Feature, ...]
    neighbours: tuple[Table, ...]
    surroundings: Callable[[bool], Sequence[sql.Composable]]
    sources: Callable[[bool], sql.Composable]
    identity: str = OWN_ID
    joins: str = ""
    extra_columns: str = ""
    # Which of several rows of one identity is meant.
    first_by: str = OWN_ID
    # Where the values of the tenant's own fields stand; those are no features without it.
    attributes: str = "b.attributes"

    def statement(
        self,
        asking: Asking,
        features: Sequence[Feature],
        *,
        questions: Sequence[sql.Composable] = (),
        has_ids: bool = False,
    ) -> sql.Composed:
        """The statement that returns id, moment, outcome and the features; of examples the id of ``about``.

        A page takes ``moment``, ``after_id``, ``limit`` and, if so told, ``ids``; examples come in the order
        of their moments and take what ``questions``, the expressions up to ``question``, take.
        """
        expressions: list[sql.Composable] = [*questions]
        if asking is Asking.PAST:
            expressions.append(self._question())
        expressions.append(self._base(asking, has_ids=has_ids))
        if asking.is_past:
            expressions += [versions(table) for table in self.neighbours]
        expressions += self.surroundings(asking.is_past)
        names = [sql.Identifier(feature.name) for feature in features]
        values = [
            sql.SQL("{} AS {}").format(feature.expression, name)
            for feature, name in zip(features, names, strict=True)
        ]
        known = sql.SQL(
            "SELECT b.n, b.{who} AS who, b.moment, b.outcome, {values} FROM base b {sources}"
        ).format(
            who=sql.Identifier("about_id" if asking is Asking.EXAMPLES else "id"),
            values=sql.SQL(", ").join(values),
            sources=self.sources(asking.is_past),
        )
        # Of a cursor the database expects that little is read; an expression of its own is read whole.
        is_whole = sql.SQL("MATERIALIZED" if asking is Asking.EXAMPLES else "NOT MATERIALIZED")
        expressions.append(sql.SQL("known AS {} ({})").format(is_whole, known))
        return sql.SQL("WITH {} SELECT who, moment, outcome, {} FROM known ORDER BY n").format(
            sql.SQL(", ").join(expressions), sql.SQL(", ").join(names)
        )

    def population(self, asking: Asking) -> sql.Composed:
        """The statement that returns the ids of all who are asked about at ``moment``, in order."""
        expressions = [self._question()] if asking is Asking.PAST else []
        expressions.append(self._base(asking, has_ids=False))
        return sql.SQL("WITH {} SELECT b.id FROM base b ORDER BY b.n").format(
            sql.SQL(", ").join(expressions)
        )

    def is_watched(self, moment: str) -> sql.Composed:
        """Whether the log watched the present row ``p`` at a moment, which is SQL."""
        return _WATCHED.format(kind=sql.Literal(self.about.kind.value), moment=sql.SQL(moment))

    def is_itself(self, row: str) -> sql.SQL:
        """Whether a present row was not merged into another, which has its story now."""
        return sql.SQL(f"{row}.merged_at IS NULL" if self.about.may_be_merged else "true")

    def _question(self) -> sql.Composed:
        """Who may be asked about at a moment: whoever existed."""
        return sql.SQL(
            """
            question AS (
                SELECT p.id AS about_id, {at_moment} FROM {table} p
                WHERE p.created_at <= %(moment)s AND {is_itself} AND {is_watched}
            )
            """
        ).format(
            is_itself=self.is_itself("p"),
            at_moment=_AT_MOMENT,
            table=self.about.name,
            is_watched=self.is_watched("%(moment)s"),
        )

    def _base(self, asking: Asking, *, has_ids: bool) -> sql.Composed:
        if asking is Asking.PRESENT:
            rows = sql.SQL("{} r CROSS JOIN (SELECT {}) q").format(self.about.name, _AT_MOMENT)
        else:
            row = row_then(self.about.kind, "q.about_id", "q.moment")
            rows = sql.SQL("question q CROSS JOIN LATERAL {} r").format(row)
        return sql.SQL(
            """
            base AS MATERIALIZED (
                SELECT {number} AS n, asked.*,
                       CASE WHEN asked.is_known THEN 0 END AS nothing
                FROM (
                    SELECT {distinct} {key} AS id, r.id AS about_id, q.moment, q.day, q.is_opening, q.outcome,
                           {columns}{extra_columns}, {is_known} AS is_known
                    FROM {rows} {joins}
                    WHERE (q.is_opening OR ({is_asked})) {page}
                ) asked
            )
            """
        ).format(
            number=sql.SQL(_EXAMPLE_NUMBER if asking is Asking.EXAMPLES else "asked.id"),
            distinct=sql.SQL(self._distinct(asking)),
            key=sql.SQL(self._key(asking)),
            columns=named(self.about.columns, "r"),
            extra_columns=sql.SQL(self.extra_columns and f", {self.extra_columns}"),
            is_known=_KNOWN.format(
                began_at=sql.SQL(self.began_at), kind=sql.Literal(self.about.kind.value)
            ),
            rows=rows,
            joins=sql.SQL(self.joins),
            is_asked=sql.SQL(self.is_asked),
            page=self._page(asking, has_ids=has_ids),
        )

    def _page(self, asking: Asking, *, has_ids: bool) -> sql.Composable:
        if asking is Asking.EXAMPLES:
            return sql.SQL("")
        key = self._key(asking)
        ids = f"AND {key} = ANY (%(ids)s::bigint[])" if has_ids else ""
        exists: sql.Composable = sql.SQL("")
        if asking is Asking.PRESENT:
            exists = sql.SQL("AND r.created_at <= q.moment AND {}").format(self.is_itself("r"))
        return sql.SQL("{} {}").format(
            exists,
            sql.SQL(
                f"AND {key} > %(after_id)s {ids} ORDER BY {key}, {self.first_by} LIMIT %(limit)s"
            ),
        )

    def _distinct(self, asking: Asking) -> str:
        """On a page an identity stands once; as an example once for each row that it is asked about."""
        is_once = asking is Asking.EXAMPLES or self.identity == OWN_ID
        return "" if is_once else f"DISTINCT ON ({self._key(asking)})"

    def _key(self, asking: Asking) -> str:
        """The identity as an index knows it: the row of the past comes out of a function."""
        return "q.about_id" if asking.is_past and self.identity == OWN_ID else self.identity
