"""Whatever an agent, the registry, time and operators do, in any order: the core keeps its promises."""

import json
import uuid
from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.faults import problem
from holdfast.gateway.compat import LEGACY, PLAIN, STANDARD
from holdfast.gateway.effects import ASKING, Admit, Close, Effect, Explain, Identify, Register, Send
from holdfast.gateway.moves import NEXT, State
from holdfast.gateway.settings import GatewaySettings, Limits
from holdfast.model import Admission, Identity, agent_uid
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.envelope import encode_base64
from tests.gateway.conversation import NONCE, Agent, Json, kinds
from tests.gateway.test_connection import auth_payload

SETTINGS: Final = GatewaySettings(challenge_ttl_s=30.0, limits=Limits(messages_per_s=5.0, message_burst=30))
LEGAL: Final = {(state, after) for (state, _), after in NEXT.items()} | {(state, State.ENDED) for state in State}

Step = Callable[["Stage"], list[Effect]]


class Stage:
    """A connection's core in the hands of a shell that does everything by the book, and of an agent that does not."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.core = agent.core
        self.question: Effect | None = None
        self.asked_to_register = 0

    def play(self, step: Step) -> None:
        before, was_asking = self.core.session.state, self.question
        effects = step(self)
        after = self.core.session.state
        assert before is after or (before, after) in LEGAL
        if before is State.ENDED:
            assert not any(isinstance(effect, Send | Close) for effect in effects), "nothing more is said after the end"
            assert effects == [] or kinds(effects) == ["agent.registered"]
        asking = [effect for effect in effects if isinstance(effect, ASKING)]
        assert len(asking) <= 1
        assert was_asking is None or not asking or self.question is not was_asking
        for effect in effects:
            self._check(effect)
        closes = [place for place, effect in enumerate(effects) if isinstance(effect, Close)]
        assert closes in ([], [len(effects) - 1]), "a close is the last effect"
        assert not closes or after is State.ENDED
        if asking:
            self.question = asking[0]

    def _check(self, effect: Effect) -> None:
        if isinstance(effect, Register):
            self.asked_to_register += 1
        if isinstance(effect, Close):
            assert len(effect.reason.encode()) <= 123
            CloseCode(effect.code)
        if isinstance(effect, Send):
            envelope = json.loads(effect.frame)
            assert envelope["type"] in ("response", "error", "ack", "event")
            if envelope["channel"] == "agent.registration.complete" and envelope["type"] == "response":
                assert self.asked_to_register, "confirmed what nobody stored"

    # ---- what the shell does when the registry answers

    def answered(self) -> list[Effect]:
        question, self.question = self.question, None
        agent, key = self.agent, bytes(self.agent.key.verify_key)
        match question:
            case Admit():
                fresh = str(uuid.uuid5(uuid.NAMESPACE_OID, str(agent._count)))
                effects = self.core.on_admitted(registration_id=fresh, nonce=NONCE, mono=agent.mono, wall=agent.wall)
                challenge = self.core.session.challenge
                if challenge is not None:
                    agent.challenge = {"registration_id": fresh, "nonce": NONCE, "server_time": challenge.server_time}
                return effects
            case Register():
                return agent.stored()
            case Identify():
                known = Identity(
                    agent_uid=agent_uid(key), org_id="default-org", host_id=agent.host_id,
                    admission=Admission.APPROVED, heartbeat_interval_s=20.0,
                )  # fmt: skip
                return self.core.on_identified(known if agent._count % 2 else None, wall=agent.wall)
            case Explain():
                return self.core.on_refused(problem("SIG-ORDER"), wall=agent.wall)
            case _:
                return []

    def refused(self, code: str) -> list[Effect]:
        if self.question is None:
            return []
        self.question = None
        return self.core.on_refused(problem(code), wall=self.agent.wall)

    def hears(self, text: str | bytes) -> list[Effect]:
        # While it waits for an answer the shell feeds no message.
        return [] if self.question is not None else self.agent.frame(text)

    def says(self, channel: str, payload: object, **changes: object) -> list[Effect]:
        return self.hears(json.dumps(self.agent.envelope(channel, payload, **changes)))


def init(stage: Stage) -> list[Effect]:
    claim = {"org_id": "default-org", "host_id": stage.agent.host_id, "agent_pubkey": stage.agent.public_key}
    return stage.says("agent.registration", claim)


def complete(stage: Stage) -> list[Effect]:
    agent = stage.agent
    known: Json = agent.challenge or {"registration_id": "none", "nonce": NONCE, "server_time": ""}
    agent.challenge = known
    claim = {"registration_id": known["registration_id"], "host_id": agent.host_id, "signature": agent.signature()}
    return stage.says("agent.registration.complete", claim)


def wrong_complete(stage: Stage) -> list[Effect]:
    known = stage.agent.challenge.get("registration_id", "none")
    signature = encode_base64(stage.agent.key.sign(b"something else").signature)
    claim = {"registration_id": known, "host_id": stage.agent.host_id, "signature": signature}
    return stage.says("agent.registration.complete", claim)


def rest(seconds: float) -> Step:
    def pass_time(stage: Stage) -> list[Effect]:
        stage.agent.mono += seconds
        stage.agent.wall += seconds
        return stage.core.on_wake(mono=stage.agent.mono, wall=stage.agent.wall)

    return pass_time


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
channels = st.sampled_from(
    ["agent.registration", "agent.registration.complete", "auth", "agent.heartbeat", "agent.web-01.heartbeat",
     "agent.web-01.inventory", "registration", ""]
) | st.text(max_size=30)  # fmt: skip
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values, "type": st.sampled_from(["request", "heartbeat", "event", "ack", "nonsense"]) | json_values,
        "channel": channels, "timestamp": json_values, "payload": json_values, "headers": json_values,
    },
)  # fmt: skip
steps: st.SearchStrategy[Step] = st.one_of(
    st.just(init),
    st.just(complete),
    st.just(wrong_complete),
    st.just(lambda stage: stage.says("auth", auth_payload(stage.agent))),
    st.just(lambda stage: stage.says("auth", auth_payload(stage.agent, nonce="b3du"))),
    st.just(lambda stage: stage.says("agent.heartbeat", {}, type="heartbeat")),
    st.just(lambda stage: stage.says("agent.web-01.inventory", {"packages": 3})),
    st.just(Stage.answered),
    st.just(Stage.answered),
    st.just(Stage.answered),
    st.sampled_from(["ID-REVOKED", "SRV-DB-DOWN", "RATE-LIMITED", "ID-TOKEN-INVALID"]).map(
        lambda code: lambda stage: stage.refused(code)
    ),
    st.builds(lambda raw: lambda stage: stage.hears(raw), st.binary(max_size=60)),
    st.builds(lambda text: lambda stage: stage.hears(text), st.text(max_size=60).map(str.encode)),
    st.builds(lambda said: lambda stage: stage.hears(json.dumps(said)), envelopes),
    st.builds(
        lambda channel, payload: lambda stage: stage.says(channel, payload), channels, json_values
    ),
    st.builds(
        lambda data: lambda stage: []
        if stage.question is not None
        else stage.core.on_binary(data, mono=stage.agent.mono, wall=stage.agent.wall),
        st.binary(max_size=40),
    ),
    st.floats(0.0, 40.0).map(rest),
    st.just(lambda stage: stage.core.on_approved(wall=stage.agent.wall)),
    st.just(lambda stage: stage.core.on_replaced(by="a-newer", wall=stage.agent.wall)),
    st.just(
        lambda stage: stage.core.on_dismissed(problem("LIFE-RESTART-1012"), CloseCode.RESTART, wall=stage.agent.wall)
    ),
    st.just(lambda stage: stage.core.on_violation(problem("MSG-TOO-BIG"), wall=stage.agent.wall)),
)  # fmt: skip


@settings(max_examples=300)
@given(profile=st.sampled_from([STANDARD, PLAIN, LEGACY]), plan=st.lists(steps, max_size=40))
def test_whatever_happens_the_core_never_raises_moves_by_its_table_and_confirms_only_what_is_stored(
    profile: object, plan: list[Step]
) -> None:
    stage = Stage(Agent(settings=SETTINGS, profile=profile))  # type: ignore[arg-type]  # one of three profiles
    for step in plan:
        stage.play(step)


@given(frames=st.lists(st.binary(max_size=300) | envelopes.map(lambda said: json.dumps(said).encode()), max_size=8))
def test_any_bytes_from_a_stranger_prove_nothing_and_register_nobody(frames: list[bytes]) -> None:
    agent = Agent()

    effects = [effect for raw in frames for effect in agent.frame(raw)]

    assert not any(isinstance(effect, Register | Identify | Explain) for effect in effects)
    assert agent.core.session.agent_uid is None
