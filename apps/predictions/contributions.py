"""What each open deal brings to a forecast, as far as the reader may see the deal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.crm.models import Opportunity
from apps.predictions.schemas import DealShare, ForecastFigures
from apps.users.models import User

DEALS_PERMISSION = "crm.view_opportunity"


@dataclass(frozen=True, slots=True)
class Contributions:
    """The shares of deals that the reader may see, the largest first, and what the others add up to."""

    shares: tuple[DealShare, ...]
    hidden_count: int
    hidden_expected: float

    @property
    def expected(self) -> float:
        """What those that may be seen add up to."""
        return sum(share.expected for share in self.shares)

    @property
    def count(self) -> int:
        """All deals, seen or not."""
        return len(self.shares) + self.hidden_count


@dataclass(frozen=True, slots=True)
class Contribution:
    """A deal as it stands now, with the share that it had when the forecast was made."""

    deal: Opportunity
    share: DealShare


def read_contributions(figures: ForecastFigures, user: User) -> Contributions:
    """Divide the shares into those of deals that the reader may see, and the rest; one query."""
    seen = _visible_ids(figures.deals, user)
    shown = [share for share in figures.deals if share.deal_id in seen]
    hidden = [share.expected for share in figures.deals if share.deal_id not in seen]
    shown.sort(key=lambda share: (-share.expected, share.deal_id))
    return Contributions(tuple(shown), len(hidden), sum(hidden))


def load_deals(shares: Iterable[DealShare]) -> list[Contribution]:
    """Give each share its deal with account, owner and stage; one query."""
    wanted = list(shares)
    deals: Mapping[int, Opportunity] = Opportunity.objects.for_list_page().in_bulk(
        [share.deal_id for share in wanted]
    )
    return [Contribution(deals[share.deal_id], share) for share in wanted if share.deal_id in deals]


def _visible_ids(shares: Iterable[DealShare], user: User) -> set[int]:
    if not user.has_perm(DEALS_PERMISSION):
        return set()
    visible = Opportunity.objects.visible_to(user).order_by()
    named = visible.filter(pk__in=[share.deal_id for share in shares])
    return set(named.values_list("pk", flat=True))
