"""Wrong or missing bytes in a credential, a key or a URL; and refusals that nobody could see."""

from collections.abc import Callable

import pytest
from nacl.signing import SigningKey

from holdfast.agent import Agent
from holdfast.agent.keyring import KEY_FILE
from holdfast.agent.tokenfile import read_token
from holdfast.faults import Refused
from holdfast.lab.rawwire import ErrorSaid
from tests.doctor.places import code_of, failures
from tests.doctor.resolvers import name_server
from tests.threads.conftest import OpenGround
from tests.threads.ground import Ground

BOM = "\ufeff"


@pytest.fixture
async def guarded(open_ground: OpenGround) -> Ground:
    """A control plane that asks for enrolment tokens."""
    return await open_ground(registration="token")


async def refused(ground: Ground, token: str | None, host_id: str = "web-01") -> ErrorSaid | None:
    """The refusal of an init that shows this token; None where a challenge came."""
    agent = await ground.connect(host_id, source="127.0.7.1")
    await agent.init({} if token is None else {"enrolment_token": token})
    return agent.wire.errors[0] if agent.wire.errors else None


@pytest.mark.parametrize("change", ["{}\n", "{}\r\n", BOM + "{}", " {}"])
async def test_the_same_key_is_accepted_and_denied_and_both_are_identical_by_diff(plane: Ground, change: str) -> None:
    """saltstack/salt#66126, #66121, #66162: a key was compared byte by byte; one copy had lost its final newline.

    Bytes that an editor adds are named; they never make a second identity of one key.
    """
    minion = await plane.register("minion-1")
    again = await plane.connect("minion-1", key=minion.key)

    await again.init({"agent_pubkey": change.format(again.public_key)})

    assert [error.code for error in again.wire.errors] in (["KEY-ENCODING"], [])
    assert [agent["agent_uid"] for agent in await plane.agents("minion-1")] == [minion.uid]


@pytest.mark.parametrize("change", [lambda key: key.rstrip(), lambda key: key + b"\n", lambda key: key + b"\r\n"])
async def test_a_key_file_saved_without_its_end_of_line_is_still_the_same_minion(
    plane: Ground, change: Callable[[bytes], bytes]
) -> None:
    """saltstack/salt#66126, #68493: `noeol` in the editor made another minion of it."""
    async with plane.sdk("minion-1") as agent:
        first = (await agent.wait_registered(5)).uid
    path = plane.folder / "sdk-minion-1" / KEY_FILE
    path.write_bytes(change(path.read_bytes()))

    async with plane.sdk("minion-1") as agent:
        assert (await agent.wait_registered(5)).uid == first
    assert len(await plane.agents("minion-1")) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
async def test_invalid_password_from_manager_though_the_password_is_right(guarded: Ground, encoding: str) -> None:
    """wazuh/wazuh#22646, osquery/osquery#4548: the file was saved as UTF-16, or with a byte order mark, on Windows."""
    issued = await guarded.registry.enrolment_tokens.create("windows")
    file = guarded.folder / "token.txt"
    file.write_bytes(f"{issued.secret}\r\n".encode(encoding))

    async with guarded.sdk("win-01", enrolment_token=read_token(file)) as agent:
        assert (await agent.wait_registered(5)).uid


async def test_a_token_read_as_utf_16_by_another_agent_is_told_just_that(guarded: Ground) -> None:
    """wazuh/wazuh#22646: hours of search for one sentence."""
    issued = await guarded.registry.enrolment_tokens.create("windows")

    said = await refused(guarded, issued.secret.encode("utf-16").decode("latin-1"))

    assert said is not None
    assert (said.code, said.detail) == (
        "ID-TOKEN-INVALID", "every second character is NUL: it was read from a file saved as UTF-16"
    )  # fmt: skip


async def test_invalid_request_for_new_agent(guarded: Ground) -> None:
    """wazuh/wazuh#19517: the manager demands a password and the agent sends none; neither said so."""
    said = await refused(guarded, None)

    assert said is not None
    assert said.code == "ID-TOKEN-INVALID"
    assert said.detail == "no enrolment token was sent, and this control plane asks for one"
    attempt = await guarded.attempt(host_id="web-01", code="ID-TOKEN-INVALID")
    assert attempt["remote_address"].startswith("127.0.7.1:")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda token: f"{token[:20]} {token[20:]}", "there is a blank or line break inside it"),
        (lambda token: token[:-2], "it was cut short: 40 of 42 characters"),
        (lambda token: f'"{token}"', 'it stands in quotes (")'),
        (lambda token: token.upper(), "its letters were turned into capitals"),
        (
            lambda token: f"{token[:9]}0{token[10:]}",
            "it holds a character that no token holds (only a-z and 2-7 occur)",
        ),
    ],
)
async def test_500_illegal_base64_data_at_enrol(guarded: Ground, spoil: Callable[[str], str], why: str) -> None:
    """elastic/fleet-server#3046, elastic/elastic-agent#5561: a token pasted with a space in it, or cut short."""
    issued = await guarded.registry.enrolment_tokens.create("pasted")

    said = await refused(guarded, spoil(issued.secret))

    assert said is not None
    assert (said.code, said.detail) == ("ID-TOKEN-INVALID", why)


async def test_a_token_pasted_with_blanks_around_it_just_works(guarded: Ground) -> None:
    """elastic/fleet-server#3046."""
    issued = await guarded.registry.enrolment_tokens.create("pasted")

    assert await refused(guarded, f" {issued.secret}\t\r\n") is None


async def test_enroll_says_400_and_which_of_them_is_wrong(guarded: Ground) -> None:
    """elastic/elastic-agent#759, elastic/beats#25304: host, port, path or token? A 401 was hidden behind a 400."""
    wrong_token = await guarded.doctor(enrolment_token="hfe_" + "a" * 38)
    wrong_port = await guarded.doctor(f"ws://127.0.0.1:{guarded.api_port}/ws/agent")
    wrong_path = await guarded.doctor(f"ws://127.0.0.1:{guarded.port}/agent/ws")
    async with name_server() as dns_port:
        wrong_host = await guarded.doctor("ws://fleet.invalid:8080/ws/agent", dns_port=dns_port)

    codes = [code_of(report) for report in (wrong_token, wrong_port, wrong_path, wrong_host)]
    assert codes == ["ID-TOKEN-INVALID", "NET-WRONG-PORT", "WS-WRONG-PATH", "NET-DNS-NXDOMAIN"]
    assert [failures(report)[0] for report in (wrong_token, wrong_port, wrong_path, wrong_host)] == [
        "init", "upgrade", "upgrade", "name"
    ]  # fmt: skip
    assert (await guarded.joined(wrong_token))["verdict"]["confidence"] == 1.0


@pytest.mark.parametrize("quote", ["'", '"'])
async def test_lookup_https_no_such_host(plane: Ground, quote: str) -> None:
    """fleetdm/fleet#13175: the installer quoted the URL, and the quote became part of the name to look up."""
    quoted = f"{quote}{plane.url}{quote}"

    report = await plane.doctor(quoted)
    with pytest.raises(Refused) as refusal:
        Agent(quoted, state_dir=plane.folder / "state")

    assert report.verdict is not None
    assert report.verdict.fix == f"Use {plane.url}"
    for said in (report.verdict, refusal.value.problem):
        assert (said.code, said.why) == (
            "WS-WRONG-SCHEME",
            "the URL has quotes or white space around it, which a shell or a settings file left there",
        )


async def test_how_do_i_see_join_attempts_that_were_refused(guarded: Ground) -> None:
    """gravitational/teleport#17948, #3843: failed joins were not logged or audited at all."""
    await refused(guarded, None, "node-1")
    issued = await guarded.registry.enrolment_tokens.create("one", ttl=1)
    await guarded.registry.enrolment_tokens.revoke(issued.token.token_id)
    await refused(guarded, issued.secret, "node-2")

    for host_id, why in (("node-1", "no enrolment token was sent"), ("node-2", "enrolment token one was revoked")):
        attempt = await guarded.attempt(failed=True, host_id=host_id)
        assert attempt["codes"] == ["ID-TOKEN-INVALID"]
        assert attempt["remote_address"].startswith("127.0.7.1:")
        assert attempt["claimed_fingerprint"].startswith("ed25519:")
        assert any(why in entry["fact"] for entry in attempt["timeline"])
    finding = await guarded.finding("ID-TOKEN-INVALID")
    assert finding["blame"] == "agent"


async def test_the_join_token_has_already_been_used_but_by_whom_and_from_where(guarded: Ground) -> None:
    """spiffe/spire#1523: the log carried neither."""
    issued = await guarded.registry.enrolment_tokens.create("one", max_uses=1)
    first = await guarded.connect("node-1", key=SigningKey.generate(), source="127.0.7.2")
    await first.init({"enrolment_token": issued.secret})
    await first.complete()

    said = await refused(guarded, issued.secret, "node-2")

    assert said is not None
    assert said.code == "ID-TOKEN-EXHAUSTED"
    assert said.detail.endswith(f"who used it stands in the audit log under {issued.token.token_id}")
    (used,) = (await guarded.get("/audit", subject=issued.token.token_id, action="enrolment-token.use"))["records"]
    assert (used["actor"], used["detail"]["host_id"]) == (first.uid, "node-1")
    assert used["detail"]["remote_address"].startswith("127.0.7.2:")
    late = await guarded.attempt(code="ID-TOKEN-EXHAUSTED")
    assert (late["claimed_host_id"], late["remote_address"].partition(":")[0]) == ("node-2", "127.0.7.1")
