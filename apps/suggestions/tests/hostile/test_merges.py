"""Hostile names and notes in records that are on file twice, with a model that does whatever it is told."""

from __future__ import annotations

from apps.conftest import Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.duplicates.models import Pair
from apps.duplicates.tests.pairs import make_pair
from apps.execution.tools import registry
from apps.execution.tools.base import to_json
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import scan
from apps.suggestions.tests.hostile.payloads import FORBIDDEN, PAYLOADS
from stubs.openai_server.testing import RunningStandIn


def test_no_text_steers_a_merge(cast: Cast, obeying: RunningStandIn) -> None:
    victim = LeadFactory(owner=cast.outsider, first_name="Vera", last_name="Victim")
    pairs: dict[int, Pair] = {}
    for payload in PAYLOADS:
        text = payload.text(victim.pk, cast.outsider.pk)
        planted = [{"notes": text}]
        # What has no word to an AI may stand in a name, and a name in what is said of its record.
        if not payload.is_subtle:
            planted += [{"first_name": text[:100]}, {"company": text[:200]}]
        for fields in planted:
            kept, other = (
                LeadFactory(owner=cast.rep, notes=""),
                LeadFactory(owner=cast.rep, **fields),
            )
            pairs[kept.pk] = make_pair(kept, other)
    scan()
    merges = list(Suggestion.objects.filter(tool="merge_duplicates"))
    assert len(merges) >= len(pairs) * 0.95
    for merge in merges:
        pair, arguments = pairs[merge.record_id], dict(merge.arguments)
        named = {
            name: arguments.pop(name)
            for name in ("record_kind", "survivor_id", "duplicate_kind", "duplicate_id")
        }
        assert named == {
            "record_kind": "lead",
            "survivor_id": pair.survivor_id,
            "duplicate_kind": "lead",
            "duplicate_id": pair.duplicate_id,
        }
        both = list(Lead.objects.filter(pk__in=[pair.survivor_id, pair.duplicate_id]))
        tool = registry.get("merge_duplicates")
        for name, value in tool.values(tool.parse(merge.arguments)).items():
            assert to_json(value) in [to_json(getattr(lead, name)) for lead in both], name
        said = f"{merge.title} {merge.reason}".casefold()
        assert [word for word in FORBIDDEN if word in said] == []
    assert obeying.requests()
