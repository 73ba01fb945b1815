"""Client secrets: each begins one call, within its time."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.behaviours import Behaviour
from stubs.openai_server.realtime.session import ClientSecretRequest, Session

BEGINS = "ek_"
SESSION_S = 3600


class SecretRefusedError(Exception):
    """A call cannot be begun with this secret; the message says why."""


@dataclass(slots=True)
class ClientSecret:
    """What one secret stands for.

    Attributes:
        expires_at: seconds since the epoch.
        behaviour: how its call goes wrong.
    """

    value: str
    expires_at: int
    session_id: str
    session: Session
    behaviour: Behaviour
    is_used: bool = False

    def wire(self) -> JsonObject:
        """As ``client_secrets`` answers."""
        session = self.session.wire(self.session_id, self.expires_at)
        return {"value": self.value, "expires_at": self.expires_at, "session": session}

    def told(self) -> JsonObject:
        """As the control endpoint tells it: without its value."""
        return {
            "session_id": self.session_id,
            "model": self.session.model,
            "behaviour": self.behaviour.name,
            "expires_at": self.expires_at,
            "is_used": self.is_used,
            "session": self.session.model_dump(mode="json"),
        }


class ClientSecrets:
    """Those that were given out."""

    def __init__(self) -> None:
        self._issued: dict[str, ClientSecret] = {}

    def issue(self, asked: ClientSecretRequest, behaviour: Behaviour) -> ClientSecret:
        """Give out a new one."""
        secret = ClientSecret(
            value=f"{BEGINS}{secrets.token_hex(16)}",
            expires_at=int(time.time()) + asked.expires_after.seconds,
            session_id=f"sess_{secrets.token_hex(12)}",
            session=asked.session,
            behaviour=behaviour,
        )
        self._issued[secret.value] = secret
        return secret

    def find(self, value: str) -> ClientSecret:
        """The secret, if a call can still be begun with it.

        Raises:
            SecretRefusedError: it is unknown, used or has expired.
        """
        secret = self._issued.get(value)
        if secret is None:
            raise SecretRefusedError("Incorrect API key provided.")
        if secret.expires_at <= time.time():
            raise SecretRefusedError("The client secret has expired.")
        if secret.is_used:
            raise SecretRefusedError("The client secret has been used.")
        return secret

    def expire(self) -> None:
        """Let the time of all that were given out be over."""
        for secret in self._issued.values():
            secret.expires_at = int(time.time())

    def told(self) -> list[JsonObject]:
        """All of them, in order."""
        return [secret.told() for secret in self._issued.values()]
