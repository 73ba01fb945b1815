"""The stand-in for OpenAI that the demo starts: for voice, and with `AISHA_STAND_IN=1` for everything."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from apps.operations.supervisor.children import Service
from apps.operations.supervisor.exceptions import SupervisorError

ADDRESS = "127.0.0.1"
KEY = "sk-stand-in-demo"
MODEL = "stand-in"
# Who sets one of these has somebody who answers.
_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "REALTIME_API_KEY", "REALTIME_BASE_URL")
_TRUE, _FALSE = {"1", "yes", "true", "on"}, {"", "0", "no", "false", "off"}


@dataclass(frozen=True)
class StandIn:
    """A stand-in on one port of this machine.

    Attributes:
        model: which of its models is asked; the name says how it behaves.
        speaks_only: nobody but callers asks it: the language model is not its part.
    """

    port: int
    model: str = MODEL
    speaks_only: bool = False

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://{ADDRESS}:{self.port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the demo's processes ask it."""
        voice = {
            "REALTIME_BASE_URL": self.base_url,
            "REALTIME_API_KEY": KEY,
            "REALTIME_MODEL": self.model,
            "TRANSCRIPTION_MODEL": self.model,
        }
        if self.speaks_only:
            return voice
        return voice | {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_MODEL": self.model,
        }

    @property
    def service(self) -> Service:
        """Its process. When it dies the rules write on, so it is only started again."""
        command = [sys.executable, "-m", "stubs.openai_server", "--port", str(self.port)]
        return Service("stand-in", command)

    def is_ready(self) -> bool:
        """Whether it takes requests."""
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.port)) == 0


def find_stand_in(environment: Mapping[str, str]) -> StandIn | None:
    """The stand-in that is asked for, on a free port, or one for voice alone; None when none is.

    Where no key is set, and nothing is said of a stand-in, voice can be tried all the same.

    Raises:
        SupervisorError: AISHA_STAND_IN is neither yes nor no, or OPENAI_BASE_URL names another model.
    """
    text = environment.get("AISHA_STAND_IN", "")
    word = text.strip().lower()
    if not word and not any(environment.get(name) for name in _KEYS):
        return StandIn(_free_port(), speaks_only=True)
    if word in _FALSE:
        return None
    if word not in _TRUE:
        raise SupervisorError(f"AISHA_STAND_IN={text!r} is neither yes nor no.")
    if environment.get("OPENAI_BASE_URL"):
        raise SupervisorError("Set AISHA_STAND_IN or OPENAI_BASE_URL, not both.")
    return StandIn(_free_port(), environment.get("OPENAI_MODEL") or MODEL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
    return port
