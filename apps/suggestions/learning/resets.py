"""Learning a scope anew: what may be reset, by whom, and the reset itself, on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.execution.tools import registry as tools
from apps.suggestions.learning.enums import ResetScope
from apps.suggestions.learning.exceptions import ResetPermissionError, UnknownScopeError
from apps.suggestions.learning.models import LearningReset
from apps.suggestions.learning.tallies import read_tallies
from apps.suggestions.services import may_decide
from apps.triggers.rules import registry as triggers
from apps.users.models import User

RESET_PERMISSION = "suggestions.add_learningreset"
# How the audit log names it.
SETTING = "learning"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be learned anew: everything, or the trigger, tool or person that is named."""

    kind: ResetScope
    key: str = ""
    person: User | None = None

    @property
    def person_id(self) -> int | None:
        """The id of the person, if it is one's."""
        return self.person.pk if self.person else None

    @property
    def label(self) -> str:
        """The scope in words."""
        match self.kind:
            case ResetScope.TRIGGER:
                return f"the trigger “{triggers.label(self.key)}”"
            case ResetScope.TOOL:
                return f"the tool “{tools.label(self.key)}”"
            case ResetScope.PERSON:
                return f"the decisions of {self.person}"
            case _:
                return "everything"

    @property
    def target(self) -> str:
        """The scope as one value of a form."""
        name = str(self.person_id) if self.kind == ResetScope.PERSON else self.key
        return f"{self.kind}:{name}" if name else self.kind.value


def scope_named(target: str) -> Scope:
    """Return the scope of a form's value, as ``tenant``, ``trigger:lead_inactive`` or ``person:7``.

    Raises:
        UnknownScopeError: there is no such thing.
    """
    kind, _, name = target.partition(":")
    match kind:
        case ResetScope.TENANT if not name:
            return Scope(ResetScope.TENANT)
        case ResetScope.PERSON if name.isdecimal() and len(name) <= len(str(2**62)):
            return scope_of_person(int(name))
        case ResetScope.TRIGGER | ResetScope.TOOL:
            return scope_of_key(ResetScope(kind), name)
    raise UnknownScopeError()


def scope_of_key(kind: ResetScope, key: str) -> Scope:
    """Return the scope of a trigger or tool.

    Raises:
        UnknownScopeError: there is none of that key.
    """
    known = {trigger.key for trigger in triggers.all()} if kind == ResetScope.TRIGGER else tools
    if key not in known:
        raise UnknownScopeError()
    return Scope(kind, key)


def scope_of_person(person_id: int) -> Scope:
    """Return the scope of a person, at work or not.

    Raises:
        UnknownScopeError: there is nobody of that id.
    """
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise UnknownScopeError()
    return Scope(ResetScope.PERSON, person=person)


def may_reset(user: User, scope: Scope) -> bool:
    """Whether the person may reset this: managers everything, who decides their own decisions."""
    if user.has_perm(RESET_PERMISSION):
        return True
    return scope.kind == ResetScope.PERSON and scope.person_id == user.pk and may_decide(user)


def require_reset(user: User, scope: Scope, origin: Origin = Origin.PERSON) -> None:
    """Refuse, on record, who may not reset this.

    Raises:
        ResetPermissionError: they may not.
    """
    if may_reset(user, scope):
        return
    error = ResetPermissionError()
    details: dict[str, Detail] = {**_told(scope), "code": error.code}
    record_event(Actor.for_person(user, origin), Entry(Event.PERMISSION_REFUSED, details=details))
    raise error


def count_in(scope: Scope, now: datetime) -> int:
    """How many decisions a reset would take out of what counts."""
    return sum(
        tally.count
        for tally in read_tallies(now)
        if scope.kind == ResetScope.TENANT
        or (scope.kind == ResetScope.TRIGGER and tally.trigger == scope.key)
        or (scope.kind == ResetScope.TOOL and tally.tool == scope.key)
        or (scope.kind == ResetScope.PERSON and tally.person_id == scope.person_id)
    )


def reset_learning(
    *, scope: Scope, user: User, now: datetime, origin: Origin = Origin.PERSON
) -> LearningReset:
    """From ``now`` on what was decided before does not count for this scope; the decisions stay on record.

    Raises:
        ResetPermissionError: the person may not reset this; it is on record.
    """
    require_reset(user, scope, origin)
    with transaction.atomic():
        made = LearningReset.objects.create(
            scope=scope.kind, key=scope.key, person=scope.person, reset_at=now, reset_by=user
        )
        entry = Entry(Event.SETTINGS_CHANGED, details={**_told(scope), "change": "reset"})
        record_event(Actor.for_person(user, origin), entry)
    return made


def _told(scope: Scope) -> dict[str, Detail]:
    return {
        "setting": SETTING,
        "scope": scope.kind.value,
        "key": scope.key,
        "person_id": scope.person_id,
    }
