"""The one word that an agent is shown with."""

import itertools

import pytest

from holdfast.model import Admission, Cause, Condition, Presence, Status, derive_status, winning_cause

ADMITTED = Cause(1.0, "approved")
CONNECTED = Cause(2.0, "connected")
FOUND = Cause(3.0, "found")


@pytest.mark.parametrize(
    ("admission", "presence", "condition", "status"),
    [
        (Admission.REVOKED, Presence.ONLINE, Condition.DUPLICATE, Status.REVOKED),
        (Admission.PENDING, Presence.ONLINE, Condition.DUPLICATE, Status.PENDING),
        (Admission.APPROVED, Presence.OFFLINE, Condition.DUPLICATE, Status.DUPLICATE),
        (Admission.APPROVED, Presence.OFFLINE, Condition.FLAPPING, Status.FLAPPING),
        (Admission.APPROVED, Presence.ONLINE, Condition.DEGRADED, Status.DEGRADED),
        (Admission.APPROVED, Presence.OFFLINE, Condition.DEGRADED, Status.OFFLINE),
        (Admission.APPROVED, Presence.ONLINE, None, Status.ONLINE),
        (Admission.APPROVED, Presence.NEVER_CONNECTED, None, Status.NEVER_CONNECTED),
    ],
)
def test_the_strongest_fact_gives_the_status(
    admission: Admission, presence: Presence, condition: Condition | None, status: Status
) -> None:
    assert derive_status(admission, presence, condition) is status


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (Status.REVOKED, ADMITTED),
        (Status.PENDING, ADMITTED),
        (Status.DUPLICATE, FOUND),
        (Status.FLAPPING, FOUND),
        (Status.DEGRADED, FOUND),
        (Status.ONLINE, CONNECTED),
        (Status.OFFLINE, CONNECTED),
        (Status.NEVER_CONNECTED, CONNECTED),
    ],
)
def test_since_and_why_are_those_of_the_fact_that_won(status: Status, cause: Cause) -> None:
    assert winning_cause(status, admission=ADMITTED, presence=CONNECTED, condition=FOUND) == cause


def test_every_combination_has_a_status_and_every_status_a_combination() -> None:
    conditions = (None, *Condition)
    reached = {derive_status(*facts) for facts in itertools.product(Admission, Presence, conditions)}
    assert reached == set(Status)
