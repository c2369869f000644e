"""The routes of what has happened: attempts and the audit log."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from holdfast.api.agents import CursorParameter, LimitParameter
from holdfast.api.bodies import AttemptBody, AttemptsBody, AuditsBody
from holdfast.api.codes import refuse
from holdfast.api.documents import attempt_body, attempts_body, audits_body
from holdfast.faults import printable
from holdfast.model import AttemptQuery, AuditQuery, Role, Step
from holdfast.registry import Registry


@get("/attempts", opt={"role": Role.VIEWER}, tags=["attempts"])
async def list_attempts(
    registry: NamedDependency[Registry],
    *,
    is_open: Annotated[
        bool | None, QueryParameter(name="open", description="Live (true) or ended (false) ones")
    ] = None,
    failed: Annotated[
        bool | None, QueryParameter(description="Those with a fault or that did not register (true), or all others")
    ] = None,
    host_id: Annotated[str | None, QueryParameter(description="Claimed host_id")] = None,
    agent_uid: Annotated[str | None, QueryParameter(description="Proved agent_uid")] = None,
    code: Annotated[str | None, QueryParameter(description="A fault code seen on it")] = None,
    step: Annotated[Step | None, QueryParameter(description="The step it reached")] = None,
    address: Annotated[str | None, QueryParameter(description="Remote address")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> AttemptsBody:
    """Live and recent connections, also of agents that never registered, the newest first."""
    query = AttemptQuery(
        open=is_open,
        failed=failed,
        host_id=host_id,
        agent_uid=agent_uid,
        code=code,
        step=step,
        address=address,
        cursor=cursor,
        limit=limit,
    )
    return attempts_body(await registry.list_attempts(query))


@get("/attempts/{attempt:str}", opt={"role": Role.VIEWER}, tags=["attempts"])
async def show_attempt(registry: NamedDependency[Registry], attempt: FromPath[str]) -> AttemptBody:
    """One connection with its timeline."""
    return await found_attempt(registry, attempt)


async def found_attempt(registry: Registry, attempt: str) -> AttemptBody:
    """The document of this attempt. Raises `Refused` (API-NOT-FOUND)."""
    found = await registry.get_attempt(attempt)
    if found is None:
        raise refuse(
            "API-NOT-FOUND",
            what=f"there is no attempt {printable(attempt)}",
            why="it was never there, or it is so old that it was removed",
            fix="List the attempts with GET /attempts",
        )
    return attempt_body(found)


@get("/audit", opt={"role": Role.VIEWER}, tags=["audit"])
async def list_audit(
    registry: NamedDependency[Registry],
    *,
    actor: Annotated[str | None, QueryParameter(description="Who did it")] = None,
    action: Annotated[str | None, QueryParameter(description="What was done, e.g. agent.revoke")] = None,
    subject: Annotated[str | None, QueryParameter(description="To what: a uid or id")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> AuditsBody:
    """Every change, the newest first. Nothing is ever removed."""
    query = AuditQuery(actor=actor, action=action, subject=subject, cursor=cursor, limit=limit)
    return audits_body(await registry.list_audit(query))


ROUTES = [list_attempts, show_attempt, list_audit]
