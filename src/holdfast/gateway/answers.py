"""The frames that the gateway sends, built from typed values."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from holdfast.faults import Problem, doc_path
from holdfast.gateway.compat import Profile
from holdfast.protocol.envelope import Envelope, MessageType, encode_envelope, pack_payload
from holdfast.protocol.payloads import ErrorPayload, ServerTime
from holdfast.protocol.times import rfc3339_seconds

NO_HEADERS: Final[Mapping[str, str]] = {}


@lru_cache(maxsize=4)
def _ack_payload(second: int) -> str:
    # All acks of one second carry the same text: it is made once, not once per heartbeat.
    return pack_payload(ServerTime(rfc3339_seconds(second)))


class Answers:
    """Builds this connection's outgoing envelopes; `attempt` and a counter make their ids unique."""

    __slots__ = ("_count", "attempt", "profile")

    def __init__(self, attempt: str, profile: Profile) -> None:
        self.attempt = attempt
        self.profile = profile
        self._count = 0

    def ack(self, message: Envelope, wall: float) -> bytes:
        """The answer to a heartbeat or another message that wants no more than to be known as received."""
        second = int(wall)
        self._count += 1
        return encode_envelope(
            Envelope(
                f"{self.attempt}.{self._count}",
                "ack",
                message.channel,
                second,
                _ack_payload(second),
                {"reply_to": message.id},
            )
        )

    def response(self, message: Envelope, payload: object, wall: float) -> bytes:
        """The answer to a request, its payload in the form that this kind of agent reads."""
        return self._frame("response", message.channel, self.profile.pack(payload, message.headers), message.id, wall)

    def event(self, channel: str, payload: object, wall: float) -> bytes:
        """Something the agent did not ask for."""
        return self._frame("event", channel, self.profile.pack(payload, NO_HEADERS), None, wall)

    def error(self, problem: Problem, wall: float, *, channel: str = "error", reply_to: str | None = None) -> bytes:
        """A `Problem` as an error envelope; always base64, since no agent in the field expects another form."""
        payload = ErrorPayload(
            code=problem.code,
            title=problem.what,
            detail=problem.why,
            fix=problem.fix,
            docs=doc_path(problem.code),
            attempt=self.attempt,
            retry_after=problem.retry_after_s,
            field=problem.field,
            evidence=problem.evidence,
        )
        return self._frame("error", channel, pack_payload(payload), reply_to, wall)

    def _frame(self, kind: MessageType, channel: str, payload: str, reply_to: str | None, wall: float) -> bytes:
        self._count += 1
        headers = {"reply_to": reply_to} if reply_to is not None else {}
        return encode_envelope(Envelope(f"{self.attempt}.{self._count}", kind, channel, int(wall), payload, headers))
