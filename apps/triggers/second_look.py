"""Triggers that are asked once more, where somebody decides on what they have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from apps.tenants.models import Tenant
from apps.tenants.services import asking_tenant, found_tenant
from apps.tenants.statements import Asked, ask_together
from apps.triggers.figures import asking_figures, figures_in
from apps.triggers.models import Signal, TriggerSetting
from apps.triggers.moments import ScanMoment
from apps.triggers.questions import Question, question_of
from apps.triggers.rules import registry
from apps.triggers.services import asking_settings, settings_in


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Triggers that are asked again for single records, as the tenant has set them, at one moment."""

    moment: ScanMoment
    settings: Mapping[str, TriggerSetting]
    _questions: dict[str, Question | None] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime) -> tuple[Tenant, Self]:
        """Read the tenant in whose schema the connection stands, and what it has set and measured."""
        return cls.of(now, ask_together(*cls.asked()))

    @staticmethod
    def asked() -> tuple[Asked[Any], ...]:
        """What ``at`` reads, to be asked together with others."""
        return asking_tenant(), asking_settings(), asking_figures()

    @classmethod
    def of(cls, now: datetime, answers: Sequence[Any]) -> tuple[Tenant, Self]:
        """See ``at``: what became of ``asked``."""
        found, settings, figures = answers
        tenant = found_tenant(found)
        moment = ScanMoment(now, tenant.zone, tenant.calendar, figures_in(figures))
        return tenant, cls(moment, settings_in(settings))

    def holds(self, signal: Signal) -> bool:
        """Ask the signal's trigger for its record. One that is gone or off holds for nothing."""
        if signal.trigger not in self._questions:
            self._questions[signal.trigger] = self._question_of(signal.trigger)
        question = self._questions[signal.trigger]
        return question is not None and question.holds_for(signal.record_id)

    def _question_of(self, key: str) -> Question | None:
        known = {trigger.key: trigger for trigger in registry.all()}
        trigger, setting = known.get(key), self.settings.get(key)
        if trigger is None or (setting is not None and not setting.is_enabled):
            return None
        parameters = trigger.parse(setting.parameters if setting else {})
        return question_of(trigger, self.moment, parameters)
