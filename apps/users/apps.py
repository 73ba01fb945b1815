"""The users app's configuration."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """People, teams, roles, and who may see and decide what."""

    name = "apps.users"
    label = "users"
    verbose_name = "People"
