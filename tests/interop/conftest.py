"""One control plane for all clients of a test process."""

from collections.abc import Iterator

import pytest

from tests.processes import ControlPlane, control_plane


@pytest.fixture(scope="session")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running `holdfast up`."""
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running
