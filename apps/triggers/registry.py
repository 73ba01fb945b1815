"""What a trigger is, and the registry of all of them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.fields import FieldInfo

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.tools import registry as tools
from apps.triggers.distribution import DistributionRow
from apps.triggers.edges import Edge
from apps.triggers.enums import Discovery, Severity
from apps.triggers.exceptions import InvalidParametersError, UnknownTriggerError
from apps.triggers.moments import ScanMoment
from apps.triggers.parameters import DeclaredParameter, declared, problems_in
from apps.triggers.watches import Watch


class Parameters(BaseModel):
    """The base of a trigger's parameters: whole numbers with a default and both bounds, units in names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


ParametersT = TypeVar("ParametersT", bound=Parameters)


class Trigger(ABC, Generic[ParametersT]):
    """A rule that finds records needing attention.

    ``matching`` is one set-based query; it annotates ``facts`` (a JSON object of what the trigger saw, as
    moments and ids, never as ages, which would change by themselves).

    ``watches``, ``edges`` and ``epoch`` tell an incremental scan what to look at again: whose changes matter,
    which moments the clock passes, and what calls for a look at everything. ``inhibits`` names weaker
    triggers of the same kind of record whose signals need no suggestion while this one fires. ``discovers``
    is the kind of discovery that its signals count as, None where they belong to none of the six.
    ``untold_imports`` are the kinds of record of which an import may write what it asks for and the change
    log does not tell, as when a deal came into the stage in which it stands.
    ``has_past``: what it asks for is kept as it was on days past, so that it can be replayed.
    ``weighs_working_days``: it counts with working days without a parameter in them.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    record_kind: ClassVar[RecordKind]
    goal: ClassVar[Goal]
    discovers: ClassVar[Discovery | None]
    tools: ClassVar[tuple[str, ...]]
    severity: ClassVar[Severity]
    watches: ClassVar[tuple[Watch, ...]]
    inhibits: ClassVar[tuple[str, ...]] = ()
    untold_imports: ClassVar[tuple[RecordKind, ...]] = ()
    has_past: ClassVar[bool] = True
    weighs_working_days: ClassVar[bool] = False
    parameters_type: type[ParametersT]

    @abstractmethod
    def matching(self, moment: ScanMoment, parameters: ParametersT) -> models.QuerySet[Any]:
        """Return the records for which the trigger holds at this moment, annotated with ``facts``."""

    @abstractmethod
    def edges(self, moment: ScanMoment, parameters: ParametersT) -> tuple[Edge, ...]:
        """The columns whose values the clock passes, with their thresholds.

        They follow from the parameters, the working days and the figures of ``moment``, never from its
        ``now``: the same edges serve for the moments before and after.
        """

    def looks_back_to(self, moment: ScanMoment, parameters: ParametersT) -> datetime | None:
        """The begin of the window of a trigger on activities: until then none matches. None without any.

        What hangs beside a changed row, but lay before the window at both looks, is not looked at. A row
        that leaves the window is told of by ``edges``.
        """
        return None

    def epoch(self, moment: ScanMoment, parameters: ParametersT) -> JsonValue:
        """What else the answer depends on; when it differs from the last look, everything is looked at.

        Parameters, the zone, the working days and the tenant's own figures are counted in already.
        """
        return None

    def measure(self, moment: ScanMoment) -> Mapping[str, JsonValue] | None:
        """Figures of the tenant's own records that thresholds follow; None for a trigger without any.

        They are taken once a day and frozen (``moment.figures``), so that two scans of one day agree.
        """
        return None

    def distribution(
        self, figures: Mapping[str, JsonValue], parameters: ParametersT
    ) -> tuple[DistributionRow, ...]:
        """The figures as people look at them, with the thresholds that follow; none without figures."""
        return ()

    @property
    def summary(self) -> str:
        """What it means, in one sentence: the first of its docstring."""
        return self._paragraphs[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What else its docstring says: the fine points, and where thresholds come from."""
        return tuple(self._paragraphs[1:])

    @property
    def declared(self) -> tuple[DeclaredParameter, ...]:
        """Its parameters, with what a person is told about them."""
        return declared(self.parameters_type)

    @property
    def counts_working_days(self) -> bool:
        """Whether the company's working days make a difference to it."""
        in_parameters = any(parameter.unit == "working days" for parameter in self.declared)
        return self.weighs_working_days or in_parameters

    @property
    def _paragraphs(self) -> list[str]:
        text = inspect.getdoc(type(self)) or self.label
        return [" ".join(part.split()).replace("``", "") for part in text.split("\n\n")]

    def parse(self, parameters: Mapping[str, Any]) -> ParametersT:
        """Return typed parameters; missing ones take their defaults.

        Raises:
            InvalidParametersError: a value is out of bounds or unknown.
        """
        try:
            return self.parameters_type.model_validate(dict(parameters))
        except ValidationError as error:
            raise InvalidParametersError(self.key, problems_in(error, self.declared)) from error


class TriggerRegistry:
    """All triggers by key."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger[Any]] = {}

    def register(self, trigger: Trigger[Any]) -> None:
        """Add a trigger, or refuse it.

        Raises:
            ValueError: the key is taken, a tool does not exist or does not serve this kind of record, it does
                not say what it discovers, or a parameter lacks its default or a bound, or has it beyond one.
        """
        if trigger.key in self._triggers:
            raise ValueError(f"Two triggers are named {trigger.key!r}.")
        for problem in _problems_of(trigger):
            raise ValueError(f"{trigger.key!r}: {problem}")
        self._triggers[trigger.key] = trigger

    def problems(self) -> list[str]:
        """What is wrong with the triggers together, to be reported by the system check.

        A trigger inhibits others of its kind of record that are no more severe, and none that inhibits it in
        turn.
        """
        return [
            f"{trigger.key!r}: {problem}"
            for trigger in self.all()
            for problem in (*_problems_of(trigger), *self._problems_of_inhibition(trigger))
        ]

    def inhibitions(self) -> dict[str, tuple[str, ...]]:
        """For each trigger whose signals may be inhibited, the triggers that do so."""
        found: dict[str, tuple[str, ...]] = {}
        for trigger in self.all():
            for key in trigger.inhibits:
                found[key] = (*found.get(key, ()), trigger.key)
        return found

    def get(self, key: str) -> Trigger[Any]:
        """Return the trigger.

        Raises:
            UnknownTriggerError: there is none of that name.
        """
        try:
            return self._triggers[key]
        except KeyError:
            raise UnknownTriggerError(key) from None

    def all(self) -> list[Trigger[Any]]:
        """Every trigger, by key."""
        return [self._triggers[key] for key in sorted(self._triggers)]

    def discovering(self, discovery: str) -> list[str]:
        """The keys of the triggers that discover things of a kind."""
        return [trigger.key for trigger in self.all() if trigger.discovers == discovery]

    def discovery_of(self, key: str) -> Discovery | None:
        """The kind of discovery that a trigger makes; None for others and for keys that are not known."""
        trigger = self._triggers.get(key)
        return trigger.discovers if trigger else None

    def label(self, key: str) -> str:
        """The trigger's label; a key that is no longer known stands for itself."""
        trigger = self._triggers.get(key)
        return trigger.label if trigger else key

    def _problems_of_inhibition(self, trigger: Trigger[Any]) -> Iterator[str]:
        for key in trigger.inhibits:
            weaker = self._triggers.get(key)
            if weaker is None:
                yield f"there is no trigger {key!r} to inhibit."
            elif weaker.record_kind != trigger.record_kind:
                yield f"{key!r} is about another kind of record."
            elif weaker.severity > trigger.severity:
                yield f"{key!r} is more severe and cannot be inhibited."
        if trigger.key in self._inhibited_from(trigger):
            yield "it inhibits itself, directly or through others."

    def _inhibited_from(self, trigger: Trigger[Any]) -> set[str]:
        """Every key that is inhibited by the trigger or by one that it inhibits."""
        reached: set[str] = set()
        ahead = [*trigger.inhibits]
        while ahead:
            key = ahead.pop()
            if key not in reached:
                reached.add(key)
                weaker = self._triggers.get(key)
                ahead.extend(weaker.inhibits if weaker else ())
        return reached


def _problems_of(trigger: Trigger[Any]) -> Iterator[str]:
    """What is wrong with a trigger by itself."""
    if not trigger.tools:
        yield "no tool serves its goal."
    if not hasattr(trigger, "discovers"):
        yield "it does not say which kind of discovery it makes, or None."
    for key in trigger.tools:
        if key not in tools:
            yield f"there is no tool {key!r}."
        elif trigger.record_kind not in tools.get(key).subject_kinds:
            yield f"{key} is not for a {trigger.record_kind}."
    fields = trigger.parameters_type.model_fields
    unbounded = [name for name, field in fields.items() if not _is_bounded(field)]
    for name in unbounded:
        yield f"{name} needs a default and both bounds."
    for parameter in trigger.declared if not unbounded else ():
        if not parameter.lowest <= parameter.default <= parameter.highest:
            yield f"the default of {parameter.name} is not within {parameter.bounds}."


def _is_bounded(field: FieldInfo) -> bool:
    bounds = {type(part).__name__ for part in field.metadata}
    return not field.is_required() and {"Ge", "Le"} <= bounds
