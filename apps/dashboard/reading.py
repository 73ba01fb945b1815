"""Everything that the first page shows, as far as the person's role goes, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.crm.models import Opportunity, Stage, Task
from apps.dashboard.aging import Aging, StageLimits, read_aging
from apps.dashboard.asked import Asked
from apps.dashboard.conversion import StageConversion, read_conversion
from apps.dashboard.deals import (
    Closings,
    CurrencyPipeline,
    Week,
    read_closings,
    read_pipelines,
    read_weeks,
)
from apps.dashboard.discovered import Discovered, read_discovered
from apps.dashboard.enums import Scope
from apps.dashboard.movement import Movement, read_movement
from apps.dashboard.news import News, read_news
from apps.dashboard.predictions import Predictions, read_predictions
from apps.dashboard.team import Standing, read_team
from apps.predictions.targets.reading import read_targets
from apps.suggestions.models import Suggestion
from apps.suggestions.services import may_view
from apps.triggers.enums import VIEW_SIGNALS

DEALS_PERMISSION = "crm.view_opportunity"
TASKS_PERMISSION = "crm.view_task"
SCANS_PERMISSION = "triggers.view_scan"
# Beyond this a count says “more”.
COUNT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class DealFigures:
    """The deals of the people asked for."""

    pipelines: tuple[CurrencyPipeline, ...]
    closings: Closings
    weeks: tuple[Week, ...]
    movement: Movement
    conversion: tuple[StageConversion, ...]
    aging: Aging


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The figures; a part that the person's role does not include is None.

    ``waiting`` counts suggestions that wait in queues, up to ``COUNT_LIMIT``; ``tasks_due`` open tasks due
    today or before. ``team`` is for those who see everyone's work, unless they asked for their own.
    """

    asked: Asked
    waiting: int | None
    tasks_due: int | None
    deals: DealFigures | None
    predictions: Predictions | None
    discovered: Discovered | None
    news: News | None
    team: tuple[Standing, ...] | None


def read_dashboard(asked: Asked) -> Dashboard:
    """Read it; nothing is in it that the person may not see."""
    person = asked.person
    sees_deals, sees_suggestions = person.has_perm(DEALS_PERMISSION), may_view(person)
    # Both the ages of deals and the team's go by them.
    limits = StageLimits.read() if sees_deals else None
    targets = read_targets(asked.forecast_scope, asked.quarter.begins_on, asked.quarter.ends_on)
    has_team = person.sees_all and sees_suggestions and asked.scope != Scope.ME
    return Dashboard(
        asked=asked,
        waiting=_waiting(asked) if sees_suggestions else None,
        tasks_due=_tasks_due(asked) if person.has_perm(TASKS_PERMISSION) else None,
        deals=_read_deals(asked, limits, targets) if limits else None,
        predictions=read_predictions(asked, targets),
        discovered=read_discovered(asked) if person.has_perm(VIEW_SIGNALS) else None,
        news=(
            read_news(asked, sees_scans=person.has_perm(SCANS_PERMISSION))
            if sees_suggestions
            else None
        ),
        team=read_team(asked, limits) if has_team and limits else None,
    )


def _read_deals(asked: Asked, limits: StageLimits, targets: Mapping[str, Decimal]) -> DealFigures:
    deals = Opportunity.objects.visible_to(asked.person).filter(asked.is_of())
    stages = tuple(Stage.objects.order_by("position", "pk"))
    return DealFigures(
        pipelines=read_pipelines(deals, asked, stages, targets),
        closings=read_closings(deals, asked),
        weeks=read_weeks(deals, asked),
        movement=read_movement(deals, asked, stages),
        conversion=read_conversion(deals, asked, stages),
        aging=read_aging(deals, asked, stages, limits),
    )


def _waiting(asked: Asked) -> int:
    visible = Suggestion.objects.visible_to(asked.person).needing_decision()
    return visible.filter(asked.is_of("assignee")).order_by()[: COUNT_LIMIT + 1].count()


def _tasks_due(asked: Asked) -> int:
    visible = Task.objects.visible_to(asked.person).due_by(asked.today)
    return visible.filter(asked.is_of()).count()
