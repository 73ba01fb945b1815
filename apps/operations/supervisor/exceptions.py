"""Why the supervisor ends before it is told to."""


class SupervisorError(Exception):
    """Something that it runs failed; the text is for the person."""

    code = "supervisor"


class PortInUseError(SupervisorError):
    """Another program listens on the port."""

    code = "port_in_use"


class StageFailedError(SupervisorError):
    """A command of the preparation returned an error."""

    code = "stage_failed"


class ChildDiedError(SupervisorError):
    """A process that has to run for as long as we do has ended."""

    code = "child_died"


class StopRequested(Exception):  # noqa: N818 - no error: somebody asked
    """Ctrl-C, SIGTERM or a closed terminal."""
