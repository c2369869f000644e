"""The messages an agent sends, signed and numbered."""

from holdfast.agent import messages
from holdfast.agent.events import Moment
from holdfast.agent.messages import ChallengeRead
from holdfast.agent.signer import Signer
from holdfast.protocol.envelope import MessageType
from holdfast.protocol.payloads import Auth, Complete, Init
from holdfast.protocol.signing import auth_text, registration_text


class Requests:
    """Builds one agent's outgoing frames. `last_id` is the id of the newest: what its answer has to name.

    `instance` is random for each process; with the counter behind it every id is unique to this sender.
    """

    def __init__(self, *, signer: Signer, profile: Init, instance: str) -> None:
        self._signer = signer
        self._profile = profile
        self._instance = instance
        self._count = 0

    @property
    def last_id(self) -> str:
        return f"{self._instance}-{self._count}"

    def init(self, at: Moment) -> bytes:
        """Step 1 of a registration."""
        return self._frame("request", messages.INIT, self._profile, at)

    def complete(self, challenge: ChallengeRead, at: Moment) -> bytes:
        """Step 3 of a registration. `challenge` has passed `messages.challenge_problem`."""
        host_id = self._profile.host_id
        text = registration_text(nonce=challenge.nonce, server_time=challenge.server_time, host_id=host_id)
        payload = Complete(
            registration_id=challenge.registration_id, host_id=host_id, signature=self._signer.sign(text)
        )
        return self._frame("request", messages.COMPLETE, payload, at)

    def auth(self, *, uid: str, nonce: str, at: Moment) -> bytes:
        """Resume as `uid`; `nonce` is the connection's challenge, or our own where a proxy dropped that header."""
        key, timestamp = self._signer.public_key, int(at.unix)
        text = auth_text(agent_id=uid, public_key=key, timestamp=timestamp, nonce=nonce)
        payload = Auth(
            agent_id=uid,
            public_key=key,
            timestamp=timestamp,
            nonce=nonce,
            signature=self._signer.sign(text),
            instance=self._profile.instance,
            boot_id=self._profile.boot_id,
            last_exit=self._profile.last_exit,
            agent_version=self._profile.agent_version,
        )
        return self._frame("request", messages.AUTH, payload, at)

    def heartbeat(self, at: Moment) -> bytes:
        """A sign of life, without content."""
        return self._frame("heartbeat", messages.HEARTBEAT, None, at)

    def _frame(self, kind: MessageType, channel: str, payload: object | None, at: Moment) -> bytes:
        self._count += 1
        return messages.frame(message_id=self.last_id, kind=kind, channel=channel, unix_s=at.unix, payload=payload)
