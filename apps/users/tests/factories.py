"""Factories of people."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import give_role


class TeamFactory(DjangoModelFactory[Team]):
    """A team."""

    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class UserFactory(DjangoModelFactory[User]):
    """A person with a role; the password is ``correct horse battery``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    first_name = "Pat"
    last_name = factory.Sequence(lambda n: f"Person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@acme.test")
    password = factory.django.Password("correct horse battery")

    @factory.post_generation
    def role(user, create: bool, extracted: PersonRole | None, **kwargs: Any) -> None:  # noqa: N805
        """Give the role, a rep's by default."""
        give_role(user, extracted or PersonRole.REP)
