"""A real HTTP server on a free port of this machine, which keeps what arrives and answers as it is told."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request, its header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """What has arrived; ``replies`` are given one after the other, and then ``reply``."""

    url: str
    arrivals: list[Arrival] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    reply: Reply = Reply()
    #: Set when a request has come, and while it may be answered.
    has_arrival: Event = field(default_factory=Event)
    may_answer: Event = field(default_factory=Event)
    #: The names for which TLS was asked.
    names: list[str] = field(default_factory=list)

    @property
    def only(self) -> Arrival:
        (arrival,) = self.arrivals
        return arrival


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            receiver.arrivals.append(Arrival(self.command, self.path, headers, body))
            receiver.has_arrival.set()
            receiver.may_answer.wait()
            reply = receiver.replies.pop(0) if receiver.replies else receiver.reply
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing: the test looks at what arrived."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that goes away is what some tests are about."""


@contextmanager
def http_server(
    *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """Serve until the block ends; over TLS with a ``context``."""
    receiver = Receiver("")
    receiver.may_answer.set()
    server = _Server((host, 0), _handler_of(receiver))
    if context is not None:
        context.sni_callback = _noting(receiver.names)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context else "http"
    receiver.url = f"{scheme}://{host}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _noting(names: list[str]) -> Callable[..., None]:
    def note(_: object, name: str | None, __: object) -> None:
        names.append(name or "")

    return note
