"""A headless browser, driven over its DevTools protocol: what a page shows, logs, refuses and asks for."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)

PATIENCE = 60
"""Seconds after which a browser that says nothing counts as broken."""

WATCHED = ("Runtime", "Network", "Log", "Page", "Accessibility")


def program() -> str | None:
    """Return the path of a browser on this machine, None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One tab. Events are kept in `events` as they arrive with the answers to commands."""

    def __init__(self, connection: ClientConnection, session: str) -> None:
        self.connection, self.session = connection, session
        self.events: list[dict[str, Any]] = []
        self.last = 0

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Self]:
        """Start a browser with an empty profile and end it afterwards."""
        path = program()
        assert path is not None
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = subprocess.Popen(
                [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stderr is not None
            try:
                found = (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)
                address = next(filter(None, found))[1]
                with connect(address, max_size=None, open_timeout=PATIENCE, proxy=None) as connection:
                    yield cls._attached(connection)
            finally:
                process.kill()
                process.wait()
                process.stderr.close()

    @classmethod
    def _attached(cls, connection: ClientConnection) -> Self:
        made = cls(connection, "")
        target = made.send("Target.createTarget", url="about:blank")["targetId"]
        made.session = made.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in WATCHED:
            made.send(f"{domain}.enable")
        return made

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        self.connection.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while True:
            answer = json.loads(self.connection.recv(timeout=PATIENCE))
            if answer.get("id") == self.last:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.connection.recv(timeout=PATIENCE)))

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        text = {"Enter": "\r"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text if kind == "keyDown" else ""
            )

    def write(self, text: str) -> None:
        """Write text where the focus is."""
        self.send("Input.insertText", text=text)

    @property
    def requests(self) -> list[str]:
        """Everything that the page asked for, itself excluded."""
        sent = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if one["type"] != "Document"]

    @property
    def complaints(self) -> list[str]:
        """All that the page or the browser logged: errors, warnings, refusals of the policy, exceptions."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"])[:500] for event in self.events if event["method"] in kinds]
