"""Fixtures for pytest. ``idp`` is a running mock-idp; what a test adds to it is gone after the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from . import MockIdp, MockIdpError


@pytest.fixture(scope="session")
def mock_idp_arguments() -> list[str]:
    """Arguments for ``mock-idp serve``; redefine it in a ``conftest.py``."""
    return []


@pytest.fixture(scope="session")
def mock_idp_server(mock_idp_arguments: list[str]) -> Iterator[MockIdp]:
    """The server of ``MOCK_IDP_URL``, or one of this session's own."""
    if os.environ.get("MOCK_IDP_URL"):
        yield MockIdp()
        return
    with MockIdp.start(*mock_idp_arguments) as server:
        yield server


class TestIdp(MockIdp):
    """Everything of the client, for the people and faults of one test."""

    __test__ = False

    def __init__(self, server: MockIdp):
        super().__init__(server.url, server.token)
        self.issuer = server.issuer
        self.users: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []

    def user(self, login: str | None = None, **profile: Any) -> dict[str, Any]:
        user = super().user(login, **profile)
        self.users.append(user)
        return user

    def fault(self, id: str, user: Any = None, client: str | None = None, **options: Any) -> dict[str, Any]:
        if user is None and client is None:
            # A fault for everybody would hit the tests beside this one.
            raise ValueError(f"idp.fault({id!r}, user=...) needs a user or a client")
        fault = super().fault(id, user=user, client=client, **options)
        self.faults.append(fault)
        return fault

    def verify(self) -> None:
        """Fails the test if a fault of it never fired."""
        silent = [fault["id"] for fault in self.faults if not self.armed(fault)["fired"]]
        assert not silent, f"these faults never reached the app: {', '.join(silent)}"


@pytest.fixture
def idp(mock_idp_server: MockIdp) -> Iterator[TestIdp]:
    """A running mock-idp. People and faults that the test adds are taken away after it."""
    test = TestIdp(mock_idp_server)
    yield test
    for what, things in (("faults", test.faults), ("users", test.users)):
        for thing in things:
            try:
                test.remove_user(thing) if what == "users" else test.call("DELETE", f"faults/{thing['number']}")
            except MockIdpError:
                # The test took it away itself.
                pass
