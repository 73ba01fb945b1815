"""What can go wrong with the embedded servers. No HTTP status: they never answer a request."""


class EmbeddedServerError(Exception):
    """An embedded server cannot be found, started or reached; the text is for the person."""

    code = "embedded_server"


class BinariesNotFoundError(EmbeddedServerError):
    """Neither the installed packages nor the system provide a usable server program."""

    code = "embedded_binaries_not_found"


class HomeNotUsableError(EmbeddedServerError):
    """AISHA_HOME cannot be written, or belongs to another account or server version."""

    code = "embedded_home_not_usable"


class ServerDidNotStartError(EmbeddedServerError):
    """A server program was started but did not become ready."""

    code = "embedded_server_did_not_start"


class KeeperNotReachableError(EmbeddedServerError):
    """The process that keeps the servers does not answer, or refused."""

    code = "embedded_keeper_not_reachable"
