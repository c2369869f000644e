"""The catalogue is complete, well formed, and every entry says what to do."""

import re
from importlib import import_module
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import CATALOGUE, Area, Fault, Kind, UnknownFault, fault, nearest, problem
from holdfast.faults.guide import GUIDE
from holdfast.faults.problem import MAX_CLOSE_REASON_BYTES

# The specification: every code Holdfast can report, by area. A code is never renamed and never reused.
CODES: Final[dict[Area, str]] = {
    Area.NETWORK: """
        NET-DNS-NXDOMAIN NET-DNS-TIMEOUT NET-DNS-STALE NET-IPV6-FIRST NET-CONN-REFUSED NET-CONN-TIMEOUT
        NET-UNREACHABLE NET-WRONG-PORT NET-CONTAINER-LOCALHOST NET-MTU-BLACKHOLE NET-PACKET-LOSS NET-NAT-IDLE
        NET-FW-RST
    """,
    Area.TLS: """
        TLS-UNTRUSTED-CA TLS-HOSTNAME-MISMATCH TLS-IP-URL TLS-EXPIRED TLS-NOT-YET-VALID TLS-MISSING-INTERMEDIATE
        TLS-PLAIN-TO-TLS TLS-TLS-TO-PLAIN TLS-VERSION TLS-CLIENT-CERT TLS-INTERCEPTED TLS-SNI-MISSING
    """,
    Area.PROXY: """
        PXY-UPGRADE-STRIPPED PXY-IDLE-60 PXY-IDLE-100 PXY-IDLE-350 PXY-IDLE-OTHER PXY-MAX-DURATION
        PXY-REDIRECT-HTTPS PXY-BAD-GATEWAY PXY-H2-ONLY PXY-BUFFERING PXY-ENV-PROXY PXY-AUTH-407 PXY-CONNECT-DENIED
        PXY-HTML-200 PXY-WAF-403 PXY-HEADER-DROPPED PXY-CLIENT-IP-HIDDEN PXY-RELOAD
    """,
    Area.HANDSHAKE: """
        WS-WRONG-PATH WS-WRONG-SCHEME WS-PLAIN-HTTP WS-METHOD WS-BAD-VERSION WS-KEY-BAD WS-BAD-ACCEPT WS-SUBPROTOCOL
        WS-EXTENSION WS-AUTH-401 WS-FORBIDDEN-403 WS-RATE-429 WS-UNAVAILABLE-503 WS-HANDSHAKE-SLOW WS-AGENT-HEADERS
    """,
    Area.LIFECYCLE: """
        LIFE-SILENT LIFE-PING-ONLY LIFE-NO-HEARTBEAT LIFE-HALF-OPEN LIFE-AGENT-UNAWARE LIFE-NO-CLOSE-FRAME
        LIFE-KILLED LIFE-OOM LIFE-CRASH-LOOP LIFE-SLEEP LIFE-FROZEN LIFE-LOOP-BLOCKED LIFE-NO-PONG
        LIFE-SLOW-CONSUMER LIFE-CLOSED-1000 LIFE-GOING-AWAY-1001 LIFE-PROTOCOL-1002 LIFE-UNSUPPORTED-1003
        LIFE-POLICY-1008 LIFE-INTERNAL-1011 LIFE-RESTART-1012 LIFE-OVERLOAD-1013 LIFE-CODE-1006-TEST
        LIFE-NO-RECONNECT LIFE-CLIENT-TIMEOUT LIFE-DUPLICATE-SESSION LIFE-REBOOT
    """,
    Area.MESSAGE: """
        MSG-NOT-JSON MSG-PYTHON-REPR MSG-BINARY MSG-CONCATENATED MSG-FIELD-MISSING MSG-FIELD-TYPE MSG-TS-MILLIS
        MSG-TS-STRING MSG-PAYLOAD-NOT-B64 MSG-PAYLOAD-RAW-JSON MSG-PAYLOAD-OBJECT MSG-PAYLOAD-B64URL
        MSG-PAYLOAD-DOUBLE-B64 MSG-PAYLOAD-NOT-JSON MSG-CHANNEL-UNKNOWN MSG-CHANNEL-LEGACY MSG-TYPE-UNKNOWN
        MSG-ID-DUPLICATE MSG-TOO-BIG MSG-BAD-UTF8 MSG-BEFORE-REGISTERED MSG-HEARTBEAT-CHANNEL MSG-INTERLEAVED
        MSG-AUTH-LEGACY
    """,
    Area.REGISTRATION: """
        REG-INIT-MISSING REG-NEVER-COMPLETED REG-COMPLETE-FIRST REG-ID-EXPIRED REG-ID-USED REG-ID-UNKNOWN
        REG-ID-OTHER-CONNECTION REG-HOST-CHANGED
    """,
    Area.SIGNATURE: """
        SIG-ORDER SIG-NONCE-DECODED SIG-NONCE-ENCODING SIG-JSON SIG-TRAILING SIG-SEPARATOR SIG-TIME-FORMAT
        SIG-TIME-LOCAL SIG-TIME-OWN SIG-HOST-FORM SIG-HASHED SIG-FIELD-SET SIG-ENC-HEX SIG-ENC-B64URL SIG-ENC-DOUBLE
        SIG-ENC-REPR SIG-NACL-COMBINED SIG-LENGTH SIG-OTHER-KEY SIG-UNEXPLAINED KEY-PEM KEY-ENCODING KEY-LENGTH
        KEY-PRIVATE-SENT KEY-SMALL-ORDER KEY-REGENERATED
    """,
    Area.IDENTITY: """
        ID-CLONED ID-HOST-NEW-KEY ID-KEY-NEW-HOST ID-REVOKED ID-PENDING ID-WRONG-ORG ID-TOKEN-EXPIRED
        ID-TOKEN-EXHAUSTED ID-TOKEN-INVALID
    """,
    Area.CLOCK: """
        CLK-SKEW CLK-JUMP CLK-REPLAY
    """,
    Area.RATE: """
        RATE-RECONNECT-LOOP RATE-REREGISTER-LOOP RATE-HERD RATE-LIMITED RATE-IGNORES-RETRY-AFTER
    """,
    Area.SERVER: """
        SRV-GATEWAY-DOWN SRV-ACTIONS-API-DOWN SRV-DB-DOWN SRV-BUS-DOWN SRV-FD-LIMIT SRV-MAX-CONNECTIONS
        SRV-DISK-FULL SRV-LOOP-LAG SRV-RESTART SRV-REPLICA-STATE SRV-CLOCK SRV-AGENT-NOT-LISTED SRV-BACKLOG
    """,
}

# A fix begins with what to do. A new verb is welcome: it is listed here so that nothing else slips in.
VERBS: Final = """
    Add Allow Approve Ask Bring Call Close Compare Compute Configure Connect Copy Correct Create Decode Delete
    Enable Encode Exempt Find Finish Free Generate Give Have Join Keep Let List Listen Log Look Lower Make Move
    Name Offer Open Pass Put Raise Read Reconnect Register Remove Renew Repair Replace Resolve Resume Send Set
    Sign Start Stop Switch Take Turn Upgrade Use Wait
"""


def each(name: str) -> pytest.MarkDecorator:
    """One test per entry, named by its code, so that a failure says which entry to mend."""
    return pytest.mark.parametrize(name, CATALOGUE.values(), ids=CATALOGUE.keys())


def test_the_catalogue_holds_exactly_the_codes_of_the_specification_each_in_its_area() -> None:
    specified = [(code, area) for area, codes in CODES.items() for code in codes.split()]

    assert [(code, entry.area) for code, entry in CATALOGUE.items()] == specified
    assert len(CATALOGUE) == 173


def test_no_code_is_used_twice() -> None:
    tables = [import_module(f"holdfast.faults.{area}").FAULTS for area in Area]

    assert sum(len(table) for table in tables) == len(CATALOGUE)


@each("entry")
def test_a_code_is_a_prefix_and_words_in_capitals_and_is_the_key_of_its_entry(entry: Fault) -> None:
    assert CATALOGUE[entry.code] is entry
    assert re.fullmatch(r"(NET|TLS|PXY|WS|LIFE|MSG|REG|SIG|KEY|ID|CLK|RATE|SRV)(-[A-Z0-9]+)+", entry.code)


@each("entry")
def test_every_text_is_there_on_one_line_and_leaves_the_full_stop_to_the_sentence_around_it(entry: Fault) -> None:
    texts = [entry.title, entry.symptom, entry.cause, entry.fix, entry.gateway_sees, entry.doctor_probes]
    texts += [how for _, how in entry.confused_with]

    assert [text for text in texts if not re.fullmatch(r"[^\s](.*[^\s.])?", text) or "  " in text] == []


@each("entry")
def test_backticks_and_brackets_of_every_text_are_closed(entry: Fault) -> None:
    texts = [entry.title, entry.symptom, entry.cause, entry.fix, entry.gateway_sees, entry.doctor_probes]
    texts += [how for _, how in entry.confused_with]

    assert [text for text in texts if text.count("`") % 2 or text.count("(") != text.count(")")] == []


@each("entry")
def test_the_fix_is_one_imperative_sentence(entry: Fault) -> None:
    words = re.sub(r"`[^`]*`", "X", entry.fix)

    assert words.split()[0] in VERBS.split()
    assert not re.search(r"[.!?;]\s|[.!?]$", words)


@each("entry")
def test_code_and_fix_fit_a_close_reason_uncut(entry: Fault) -> None:
    reason = problem(entry.code).close_reason()

    assert reason == f"{entry.code}: {entry.fix}"
    assert len(reason.encode()) <= MAX_CLOSE_REASON_BYTES


@each("entry")
def test_what_a_fault_is_confused_with_exists_and_is_another_one_and_is_told_apart(entry: Fault) -> None:
    rivals = [code for code, _ in entry.confused_with]

    assert set(rivals) <= CATALOGUE.keys() - {entry.code}
    assert len(rivals) == len(set(rivals))
    assert all(how.strip() for _, how in entry.confused_with)


@each("entry")
def test_a_symptom_names_the_causes_to_look_for_beneath_it_and_a_cause_names_none(entry: Fault) -> None:
    assert set(entry.beneath) <= CATALOGUE.keys() - {entry.code}
    assert (entry.kind is Kind.SYMPTOM) == bool(entry.beneath)


def test_following_a_symptom_downwards_ends_at_causes() -> None:
    def depth(code: str, above: tuple[str, ...] = ()) -> int:
        assert code not in above, f"{code} lies beneath itself: {above}"
        return 1 + max((depth(below, (*above, code)) for below in CATALOGUE[code].beneath), default=0)

    assert max(depth(code) for code in CATALOGUE) <= 3


@pytest.mark.parametrize("code", ["RATE-RECONNECT-LOOP", "LIFE-NO-CLOSE-FRAME", "LIFE-POLICY-1008"])
def test_the_well_known_symptoms_are_never_told_as_causes(code: str) -> None:
    assert CATALOGUE[code].kind is Kind.SYMPTOM


@pytest.mark.parametrize("item", GUIDE)
def test_every_item_of_the_troubleshooting_guide_is_answered_by_a_fault(item: str) -> None:
    assert [entry.code for entry in CATALOGUE.values() if item in entry.guide] != []


def test_the_guide_has_these_items() -> None:
    counts = {"issue": "12345ABC", "step": "1234", "flow": "123456", "log": "12345"}
    counts |= {"checklist": "1234567", "requirement": "123456"}

    assert list(GUIDE) == [f"{part}-{number}" for part, numbers in counts.items() for number in numbers]


@each("entry")
def test_a_fault_answers_only_items_the_guide_has_and_names_threads_by_repository_and_number(entry: Fault) -> None:
    assert set(entry.guide) <= GUIDE.keys()
    assert [name for name in entry.seen if not re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", name)] == []


def test_a_problem_says_the_catalogues_general_words_where_the_caller_has_no_better_ones() -> None:
    entry = fault("CLK-SKEW")

    general = problem("CLK-SKEW")
    particular = problem("CLK-SKEW", why="its clock is 412 s ahead", retry_after_s=5, evidence={"skew_s": 412})

    assert (general.what, general.why, general.fix) == (entry.title, entry.cause, entry.fix)
    assert (general.retry_after_s, general.field, general.evidence) == (None, None, {})
    assert (particular.what, particular.why, particular.fix) == (entry.title, "its clock is 412 s ahead", entry.fix)
    assert (particular.retry_after_s, particular.evidence) == (5, {"skew_s": 412})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sig-nonce-decode", "SIG-NONCE-DECODED"),
        ("nonce decoded", "SIG-NONCE-DECODED"),
        ("LIFE_SILENT", "LIFE-SILENT"),
        ("silent", "LIFE-SILENT"),
        ("live-silent", "LIFE-SILENT"),
        ("MSG-NOT-JASON", "MSG-NOT-JSON"),
        ("conn refused", "NET-CONN-REFUSED"),
        ("1008", "LIFE-POLICY-1008"),
        ("429", "WS-RATE-429"),
        ("cloned", "ID-CLONED"),
    ],
)
def test_a_mistyped_code_finds_the_one_that_was_meant(typed: str, meant: str) -> None:
    assert nearest(typed)[0] == meant


@given(st.text(), st.integers(min_value=0, max_value=200))
def test_whatever_is_typed_the_nearest_are_as_many_codes_as_were_asked_for(typed: str, n: int) -> None:
    found = nearest(typed, n)

    assert len(found) == len(set(found)) == min(n, len(CATALOGUE))
    assert set(found) <= CATALOGUE.keys()


def test_an_unknown_code_is_an_error_that_names_the_nearest_and_shows_what_was_typed_made_safe() -> None:
    with pytest.raises(UnknownFault) as unknown:
        problem("sig-nonce-decode\x1b[2J")

    assert unknown.value.nearest[0] == "SIG-NONCE-DECODED"
    assert "SIG-NONCE-DECODED" in str(unknown.value)
    assert "\x1b" not in str(unknown.value)


def test_faults_of_enrolment_tokens_name_the_command_that_makes_enrolment_tokens() -> None:
    fixes = {code: CATALOGUE[code].fix for code in ("ID-TOKEN-EXPIRED", "ID-TOKEN-EXHAUSTED", "ID-TOKEN-INVALID")}

    assert "`holdfast enrolment create`" in fixes["ID-TOKEN-EXPIRED"]
    assert "`holdfast enrolment create --max-uses N`" in fixes["ID-TOKEN-EXHAUSTED"]
    assert "`enrolment_token`" in fixes["ID-TOKEN-INVALID"]
    assert "--enrolment-token-file" in fixes["ID-TOKEN-INVALID"]
    assert not [code for code, fault in CATALOGUE.items() if "tokens create" in fault.fix]
