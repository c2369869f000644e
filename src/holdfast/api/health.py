"""Whether the service lives, and whether it can do its work."""

import asyncio
from time import perf_counter
from typing import Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from holdfast.api.about import About, Probe
from holdfast.api.access import Access
from holdfast.api.authorisation import AskingRequest
from holdfast.api.bodies import CheckBody, HealthBody, ReadyBody
from holdfast.api.problems import NO_STORE, PROBLEM_JSON, ProblemBody, problem_body, problem_headers
from holdfast.faults import HoldfastError, Problem, problem
from holdfast.protocol.times import rfc3339_millis

_PROBE_LIMIT_S: Final = 5.0
_CODES: Final = {"store": "SRV-DB-DOWN", "bus": "SRV-BUS-DOWN"}


class NotReadyBody(ProblemBody, frozen=True, kw_only=True):
    """The first problem, with the result of every check."""

    registration: str
    checks: dict[str, CheckBody]


@get("/healthz", opt={"role": None}, tags=["health"])
async def healthz(about: NamedDependency[About]) -> HealthBody:
    """The process answers. Open to everybody."""
    now = about.clock()
    return HealthBody(
        status="ok",
        service="actions-api",
        version=about.version,
        uptime_s=round(now - about.started_at, 3),
        timestamp=rfc3339_millis(now),
    )


@get("/readyz", opt={"role": None}, tags=["health"])
async def readyz(
    about: NamedDependency[About], access: NamedDependency[Access], request: AskingRequest
) -> Response[ReadyBody | NotReadyBody]:
    """Tests store (a read and a write) and bus now. 503 with the first problem when one of them is ill.

    Open to everybody, because whoever balances load asks it; away from loopback, callers without a token learn which
    part is ill and not why.
    """
    results = await checked(about)
    may_know_why = access.is_local or request.user is not None
    checks = {
        name: check if may_know_why else msgspec.structs.replace(check, why=None)
        for name, (check, _) in results.items()
    }
    found = next((found for _, found in results.values() if found is not None), None)
    if found is None:
        ready = ReadyBody(status="ready", service="actions-api", registration=about.registration, checks=checks)
        return Response(ready, headers={"Cache-Control": NO_STORE})
    return _not_ready(found if may_know_why else problem(found.code), about.registration, checks)


async def checked(about: About) -> dict[str, tuple[CheckBody, Problem | None]]:
    """The result of every probe, all tried at once."""
    names = list(about.probes)
    results = await asyncio.gather(*(_tested(name, about.probes[name]) for name in names))
    return dict(zip(names, results, strict=True))


def _not_ready(found: Problem, registration: str, checks: dict[str, CheckBody]) -> Response[ReadyBody | NotReadyBody]:
    told = msgspec.structs.asdict(problem_body(found, status=503))
    body = NotReadyBody(**told, registration=registration, checks=checks)
    return Response(body, status_code=503, media_type=PROBLEM_JSON, headers=problem_headers(found, 503))


async def _tested(name: str, probe: Probe) -> tuple[CheckBody, Problem | None]:
    begun = perf_counter()
    found: Problem | None = None
    try:
        async with asyncio.timeout(_PROBE_LIMIT_S):
            await probe()
    except HoldfastError as error:
        found = error.problem
    except TimeoutError:
        found = problem(_CODES[name], what=f"the {name} does not answer", why=f"no answer within {_PROBE_LIMIT_S:g} s")
    took_ms = round((perf_counter() - begun) * 1000, 1)
    return CheckBody(
        ok=found is None, took_ms=took_ms, code=found.code if found else None, why=found.why if found else None
    ), found
