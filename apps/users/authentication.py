"""Token sign-in for the API: ``Authorization: Token <key>``."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.tenants.context import note_person
from apps.users.models import ApiToken, User


class TokenAuthentication(BaseAuthentication):
    """Looks the key up by its hash, in the schema of the host name."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the person and the token, or None when another scheme is used."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the header as: Authorization: Token <key>.")
        try:
            key = parts[1].decode("ascii")
        except UnicodeDecodeError as error:
            raise AuthenticationFailed("The token is not valid.") from error
        token = (
            ApiToken.objects.valid_at(timezone.now())
            .select_related("user")
            .filter(key_hash=ApiToken.hash_key(key))
            .first()
        )
        if token is None:
            raise AuthenticationFailed("The token is not valid.")
        token.note_use()
        note_person(token.user_id)
        # Until here nobody was known; PersonTimeZoneMiddleware restores the zone after the request.
        timezone.activate(token.user.zone(request.tenant.zone))  # type: ignore[attr-defined]
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that a refusal is a 401."""
        return self.keyword
