"""Sign-in by password; permissions by role alone."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Model, QuerySet

from apps.tenants.statements import ID_PLACE, OneRow, Prepared, prepare_rows
from apps.users.models import User


class RoleBackend(ModelBackend):
    """Django's backend without permissions of single people: the role says it all."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, as they are now; None of one who may not sign in any more."""
        person = _person().read(user_id)
        return person if person is not None and self.user_can_authenticate(person) else None

    def get_all_permissions(
        self, user_obj: User | AnonymousUser, obj: Model | None = None
    ) -> set[str]:
        """What the person's group includes, asked once; each page asks it by a statement written once."""
        has_role = isinstance(user_obj, User) and user_obj.is_active and not user_obj.is_superuser
        if not has_role or obj is not None:
            of_django: set[str] = super().get_all_permissions(user_obj, obj)
            return of_django
        # Where Django itself keeps what was found.
        kept: dict[str, set[str]] = user_obj.__dict__
        if "_perm_cache" not in kept:
            named = _permissions_of_groups().fetch(user_obj.pk)
            kept["_perm_cache"] = {f"{app}.{codename}" for app, codename in named}
        return kept["_perm_cache"]

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()


@cache
def _person() -> OneRow[User]:
    return OneRow.of(User.objects.filter(pk=ID_PLACE.mark), ID_PLACE)


@cache
def _permissions_of_groups() -> Prepared:
    permissions = Permission.objects.filter(group__user=ID_PLACE.mark).order_by()
    return prepare_rows(permissions.values_list("content_type__app_label", "codename"), ID_PLACE)
