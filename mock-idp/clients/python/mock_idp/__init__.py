"""A thin client of mock-idp's control API (``/_mock``). Every method is one call; see ``GET /_mock/openapi.json`` for all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

__all__ = ["MockIdp", "MockIdpError"]

# The server is on this machine: no proxy of the environment may come between.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class MockIdpError(Exception):
    """The server said no; ``status`` and ``problem`` are its answer."""

    def __init__(self, call: str, status: int, problem: Any):
        super().__init__(f"{call} answered {status}: {problem}")
        self.status = status
        self.problem = problem


class MockIdp:
    """A mock-idp that runs at ``url`` (without ``/_mock``); by default that of ``MOCK_IDP_URL``."""

    def __init__(self, url: str | None = None, token: str | None = None):
        self.url = (url or os.environ.get("MOCK_IDP_URL") or "http://127.0.0.1:9494").rstrip("/")
        self.token = token or os.environ.get("MOCK_IDP_ADMIN_TOKEN")
        self.issuer: str | None = None
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def start(cls, *arguments: str, binary: str | None = None) -> MockIdp:
        """Starts a server of its own on a free port; stop it with ``stop()``, or use it in a ``with``."""
        command = [binary or os.environ.get("MOCK_IDP") or "mock-idp", "serve", "--port", "0"]
        command += ["--exit-with-parent", "--quiet", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            found = re.match(r"mock-idp ready issuer=(\S+) admin=(\S+)/_mock ", line)
            if found:
                idp = cls(found[2])
                idp.issuer, idp._process = found[1], process
                return idp
        raise MockIdpError("starting mock-idp", process.wait(), "it ended before it was ready")

    def stop(self) -> None:
        """Stops a server that ``start`` has started."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None

    def __enter__(self) -> MockIdp:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any call of the control API; the answer's JSON, or its text."""
        # No page in a browser can send this header: the server wants it where something changes.
        headers = {"accept": "application/json", "x-mock-idp": "1"}
        if body is not None:
            headers["content-type"] = "application/json"
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_mock/{path}", data, headers, method=method)
        try:
            with _open(request, timeout=60) as answer:
                return _content(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise MockIdpError(f"{method} /_mock/{path}", error.code, _content(error)) from None

    def health(self) -> Any:
        return self.call("GET", "health")

    def env(self) -> dict[str, str]:
        """The variables that an app needs."""
        return self.call("GET", "env")

    def reset(self) -> Any:
        """Back to the beginning: people, clients, faults, flows and sessions."""
        return self.call("POST", "reset")

    def user(self, login: str | None = None, **profile: Any) -> dict[str, Any]:
        """Adds somebody, by default somebody new: tests that run at once do not meet."""
        login = login or f"user-{uuid.uuid4().hex[:8]}@example.test"
        return {"login": login, **(self.call("PUT", f"users/{_quoted(login)}", profile) or {})}

    def remove_user(self, user: Any) -> None:
        self.call("DELETE", f"users/{_quoted(_login(user))}")

    def client(self, id: str, **settings: Any) -> Any:
        """Registers an application, or changes it."""
        return self.call("PUT", f"clients/{_quoted(id)}", settings)

    def login(self, user: Any, once: bool = True) -> Any:
        """Who signs in next without the page."""
        return self.call("POST", "login", {"user": _login(user), "once": once})

    def fault(self, id: str, user: Any = None, client: str | None = None, endpoint: str | None = None,
              times: int = 1, ttl: str | None = None) -> dict[str, Any]:
        """Arms a fault, by default for one sign-in."""
        when = {"user": _login(user) if user else None, "client": client, "endpoint": endpoint}
        body = {"id": id, "when": _given(when), "times": times, "ttl": ttl}
        return self.call("POST", "faults", _given(body))

    def armed(self, fault: dict[str, Any]) -> dict[str, Any]:
        """What became of an armed fault: ``fired`` and its ``flows``."""
        return self.call("GET", f"faults/{fault['number']}")

    def flow(self, user: Any = None, client: str | None = None, status: str = "exchanged", timeout: str = "10s") -> Any:
        """Waits for a sign-in that has come so far; never sleeps."""
        filters = {"user": _login(user) if user else None, "client": client, "status": status, "timeout": timeout}
        return self.call("GET", f"flows/wait?{urllib.parse.urlencode(_given(filters))}")

    def flows(self, **filters: str) -> Any:
        return self.call("GET", f"flows?{urllib.parse.urlencode(filters)}")

    def requests(self, **filters: str) -> Any:
        return self.call("GET", f"requests?{urllib.parse.urlencode(filters)}")

    def clock(self, offset: str | int) -> Any:
        """Shifts the clock: ``+2h``, ``-1d``, or 0 for the system's time."""
        return self.call("PUT", "clock", {"offset": offset})

    def rotate_keys(self, **settings: Any) -> Any:
        return self.call("POST", "keys/rotate", settings)

    def verify(self) -> Any:
        """Raises when an armed fault never fired, or a request was refused unexpectedly."""
        return self.call("POST", "verify")


def _content(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if text and "json" in (answer.headers.get("content-type") or "") else text


def _login(user: Any) -> str:
    return user if isinstance(user, str) else user["login"]


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
