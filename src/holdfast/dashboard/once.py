"""The link that `holdfast up` prints: whoever opens it first is signed in as an administrator."""

import hmac
import secrets
from collections.abc import Callable
from typing import Final

LIFE_S: Final = 900.0


class OneTimeLink:
    """One secret for one sign-in, kept in memory only. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._secret = secrets.token_urlsafe(24)
        self._until = clock() + LIFE_S
        self._is_spent = False

    @property
    def path(self) -> str:
        """Where it leads."""
        return f"/ui/once/{self._secret}"

    def redeem(self, secret: str) -> bool:
        """Whether this is the secret, in time and for the first time."""
        is_right = hmac.compare_digest(secret.encode(), self._secret.encode())
        if not is_right or self._is_spent or self._clock() >= self._until:
            return False
        self._is_spent = True
        return True
