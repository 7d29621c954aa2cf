"""Connections of the daemon: so many of a socket at once, each with so much time to say what it wants."""

import asyncio
from http import HTTPStatus
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rig.daemon.refusal import SEE_SCHEMA, Refusal

MOST_CONNECTIONS = 256
"""Each is an open file, of which a process has 1024, and captures need some as well."""

PATIENCE_S = 10.0
"""In which a request has to say what it is about; `bodies` waits for what may follow."""

_UNANSWERED = (h11.IDLE, h11.SEND_RESPONSE)


class Connection(H11Protocol):
    """One of uvicorn's, which by itself takes any number and waits for ever for the head of a request."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let somebody in, if there is room."""
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has gone."""
        self._await_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes, in as many pieces as it may come."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._await_nothing()
        elif self._giving_up is None:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP by a problem document, as all other errors are."""
        if self.conn.our_state in _UNANSWERED:
            refusal = Refusal(
                HTTPStatus.BAD_REQUEST,
                "this is no proper HTTP/1.1 request, or its head is too long",
                hint=SEE_SCHEMA,
                headers={"Connection": "close"},
            )
            response = refusal.response()
            start = h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request")
            for event in (start, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_head(self) -> None:
        self._giving_up = self.loop.call_later(PATIENCE_S, self.transport.abort)

    def _await_nothing(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
