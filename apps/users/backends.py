"""Sign-in by password; permissions by role alone."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from apps.users.models import User


class RoleBackend(ModelBackend):
    """Django's backend without permissions of single people: the role says it all.

    What somebody may do is then told by their group, and each page asks the database once less.
    """

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        # Without Django's inner query over the groups: each page asks this.
        return Permission.objects.filter(group__user=user_obj)
