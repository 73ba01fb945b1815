"""Triggers about the stages that deals pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import JSONObject
from pydantic import Field, JsonValue

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import ChangeLog, Opportunity, Stage
from apps.triggers.distribution import DistributionRow
from apps.triggers.edges import Edge, days_ago, now
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.deals.changes import (
    IS_OPEN,
    changes_of_deal,
    is_change_of,
    reference,
)
from apps.triggers.rules.deals.stays import (
    HIGHEST_PERCENTILE,
    LOWEST_PERCENTILE,
    Limits,
    StayFigures,
    measure_stays,
)
from apps.triggers.rules.planning import nothing_planned
from apps.triggers.watches import Own, Related


class DealStalledParameters(Parameters):
    """How long a deal may stand in a stage, and be quiet in it.

    With ``use_own_data`` (1 or 0) the time is that within which ``percentile`` per cent of the tenant's own
    deals had left the stage; ``in_stage_days`` is for stages that say too little.
    """

    use_own_data: Annotated[
        int,
        Field(
            ge=0,
            le=1,
            title="Use our own data",
            description="Where there is enough of it; the days below are for the other deals.",
        ),
    ] = 1
    percentile: Annotated[
        int,
        Field(
            ge=LOWEST_PERCENTILE,
            le=HIGHEST_PERCENTILE,
            title="Longer than",
            description="Of our own deals in the same stage.",
        ),
    ] = 80
    in_stage_days: Annotated[
        int,
        Field(
            ge=1,
            le=730,
            title="Otherwise, in the stage for",
            description="Where our own data says too little, or is not used.",
        ),
    ] = 45
    quiet_days: Annotated[int, Field(ge=1, le=365, title="No contact for")] = 14


class DealStalled(Trigger[DealStalledParameters]):
    """An open deal that has stood in its stage for long, with no contact lately and nothing planned.

    Long is longer than four of five of the tenant's own deals stood there before they went on or closed,
    those of the same amount band where there are enough: bands are the thirds of closed deals by amount, in
    each currency for itself. Fewer than thirty stays say too little; then all amounts count, then whole
    lives of deals that came without history, then the default. That one, 45 days, is the median age
    at closing of the demo's real deals (Maven CRM set, 6,711 closed deals: median 45, upper quartile 85 days
    from engagement to close). Their own figures, 91 days while engaging and 15 while prospecting, call 73
    of the demo's 2,089 open deals stalled, the default 152; all of the 73 are really forgotten, on hold, or
    the other side has fallen silent (acme as of 18 March 2026, held against the hidden causes). That is far
    from one of five, because a deal must be quiet and unplanned besides, and because open deals are younger
    than those that took longest to close.
    """

    key = "deal_stalled"
    label = "Deal stalled"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.MOVE_DEAL
    discovers = Discovery.STALLED_DEAL
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "opportunity"),
        Related(RecordKind.TASK, "opportunity"),
    )
    # A deal that stands still has lost its momentum.
    inhibits = ("deal_decaying",)
    untold_imports = (RecordKind.OPPORTUNITY,)
    parameters_type = DealStalledParameters

    def matching(
        self, moment: ScanMoment, parameters: DealStalledParameters
    ) -> QuerySet[Opportunity]:
        """Open deals long in their stage, quiet, without an open task."""
        limits = self._limits_at(moment, parameters)
        quiet_since = moment.days_ago(parameters.quiet_days)
        return (
            Opportunity.objects.open()
            .filter(
                Q(last_activity_at__lte=quiet_since) | Q(last_activity_at=None),
                nothing_planned(self.record_kind),
                _is_long(limits, moment, parameters),
            )
            .annotate(
                facts=JSONObject(
                    stage_entered_at="stage_entered_at",
                    last_activity_at="last_activity_at",
                    own_limit_days=_own_days(limits),
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: DealStalledParameters) -> tuple[Edge, ...]:
        """Growing old in the stage, by the limits that occur in it, and growing quiet."""
        limits = self._limits_at(moment, parameters)
        by_stage = limits.days_by_stage
        conditions = [
            (IS_OPEN & Q(stage_id=stage), days)
            for stage, found in by_stage.items()
            for days in sorted(found)
        ]
        others = IS_OPEN & ~Q(stage_id__in=list(by_stage)) if by_stage else IS_OPEN
        conditions.append((others, limits.other_days or parameters.in_stage_days))
        return (
            *(
                Edge(Opportunity, "stage_entered_at", days_ago(days), only=condition)
                for condition, days in conditions
            ),
            Edge(Opportunity, "last_activity_at", days_ago(parameters.quiet_days), only=IS_OPEN),
        )

    def measure(self, moment: ScanMoment) -> Mapping[str, JsonValue]:
        """How long the tenant's own deals stayed in their stages."""
        return measure_stays(moment)

    def distribution(
        self, figures: Mapping[str, JsonValue], parameters: DealStalledParameters
    ) -> tuple[DistributionRow, ...]:
        """The days in each open stage, by amount band where there are enough, with the limit of each."""
        stays = StayFigures.model_validate(figures)
        default = _limits(stays, parameters).other_days or parameters.in_stage_days
        stages = dict(Stage.objects.open().values_list("pk", "label"))
        percentile = parameters.percentile if parameters.use_own_data else None
        return stays.rows(stages, percentile, default)

    def _limits_at(self, moment: ScanMoment, parameters: DealStalledParameters) -> Limits:
        return _limits(StayFigures.of(moment.figures.get(self.key)), parameters)


def _limits(figures: StayFigures, parameters: DealStalledParameters) -> Limits:
    used = figures if parameters.use_own_data else StayFigures()
    return Limits.at(used, parameters.percentile)


def _is_long(limits: Limits, moment: ScanMoment, parameters: DealStalledParameters) -> Q:
    """Deals beyond the limit that applies to them.

    The shortest limit of each stage is what the stage's range of the index can tell; which of its limits
    applies is then decided row by row.
    """
    others = moment.days_ago(limits.other_days or parameters.in_stage_days)
    if not limits.own:
        return Q(stage_entered_at__lte=others)
    by_stage = limits.days_by_stage
    is_candidate = ~Q(stage_id__in=list(by_stage)) & Q(stage_entered_at__lte=others)
    for stage, days in by_stage.items():
        is_candidate |= Q(stage_id=stage, stage_entered_at__lte=moment.days_ago(min(days)))
    latest_entry = Case(
        *(When(limit.condition, then=moment.days_ago(limit.days)) for limit in limits.own),
        default=others,
        output_field=DateTimeField(),
    )
    return is_candidate & Q(stage_entered_at__lte=latest_entry)


def _own_days(limits: Limits) -> Case:
    """The measured limit that applies to a deal; NULL where the default does."""
    return Case(
        *(When(limit.condition, then=Value(limit.days)) for limit in limits.own),
        default=Value(limits.other_days),
        output_field=IntegerField(),
    )


class DealRegressedParameters(Parameters):
    """How long a step back stays news."""

    window_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            title="News for",
            description="After that it is the time in the stage that counts.",
        ),
    ] = 21


class DealRegressed(Trigger[DealRegressedParameters]):
    """An open deal whose last change of stage was a step back.

    Earlier and later are the stages' present positions. A deal that was won or lost and is open again has
    been reopened, which is no step back. After three weeks it is the time in the stage that counts
    (``deal_stalled``). An open task says that the step is being dealt with.

    Three weeks is a judgement, to be set on the trigger's page: time for two or three weekly reviews of the
    pipeline. The demo cannot say, because none of its 31 deals that went back has moved again; any value
    from one review to the usual time in a stage (half of those that began with a change of stage end within
    45 and 14 days in its two companies, as of 25 November 2026) does the same.
    """

    key = "deal_regressed"
    label = "Deal moved back"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.MOVE_DEAL
    discovers = None
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (Own(), Related(RecordKind.TASK, "opportunity"))
    parameters_type = DealRegressedParameters

    def matching(
        self, moment: ScanMoment, parameters: DealRegressedParameters
    ) -> QuerySet[Opportunity]:
        """Open deals whose latest change of stage lies inside the window and led to an earlier one."""
        since = moment.days_ago(parameters.window_days)
        recent = ChangeLog.objects.order_by().filter(
            is_change_of("stage_id"), changed_at__gt=since, changed_at__lte=moment.now
        )
        # The latest is looked for in all of a deal's changes: they are few, and the database is left no other
        # way to them than by the deal.
        latest = (
            changes_of_deal("stage_id")
            .filter(changed_at__lte=moment.now)
            .order_by("-changed_at", "-pk")
        )
        later_stage = Stage.objects.open().filter(
            pk=OuterRef("former_stage_id"), position__gt=OuterRef("stage__position")
        )
        return (
            Opportunity.objects.open()
            .filter(nothing_planned(self.record_kind), pk__in=recent.values("record_id"))
            .alias(former_stage_id=Subquery(latest.values_list(reference("stage_id", 0))[:1]))
            .filter(Exists(later_stage))
            .annotate(
                facts=JSONObject(
                    moved_at=Subquery(latest.values("changed_at")[:1]),
                    former_stage_id="former_stage_id",
                    stage_id="stage_id",
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: DealRegressedParameters) -> tuple[Edge, ...]:
        """A step dated ahead being taken, and one growing too old to be news."""
        return tuple(
            Edge(
                ChangeLog,
                "changed_at",
                threshold,
                record="record_id",
                only=is_change_of("stage_id"),
            )
            for threshold in (now, days_ago(parameters.window_days))
        )

    def epoch(self, moment: ScanMoment, parameters: DealRegressedParameters) -> JsonValue:
        """The order of the stages, and which of them are open."""
        return [
            list(row)
            for row in Stage.objects.order_by("pk").values_list("pk", "position", "outcome")
        ]
