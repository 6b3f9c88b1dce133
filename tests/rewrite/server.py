"""A small real HTTP server that speaks chat completions and fails as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Script = Callable[[int, dict[str, Any]], Any]


class Trickle(NamedTuple):
    """A body that is sent a byte at a time, with a pause before each."""

    body: str
    pause: float


class Server(ThreadingHTTPServer):
    """Hold what was asked; `script` answers the n-th chat: a text, `(status, headers, body)`, a trickle, `"reset"` or seconds to sleep."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, script: Script, port: int = 0, models: Trickle | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script, self.models = script, models
        self.chats: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that the tests break."""


class Handler(BaseHTTPRequestHandler):
    """Answer one connection."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.server.models is not None:
            self._trickle(self.server.models)
        else:
            self._send(200, {}, json.dumps({"data": [{"id": "small"}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            number = len(self.server.chats)
            self.server.chats.append(body)
            self.server.keys.add(self.headers["authorization"])
            self.server.busy += 1
            self.server.most_busy = max(self.server.most_busy, self.server.busy)
        try:
            said = self.server.script(number, body)
        finally:
            with self.server.lock:
                self.server.busy -= 1
        if said == "reset":
            self.close_connection = True
            self.connection.close()
        elif isinstance(said, Trickle):
            self._trickle(said)
        elif isinstance(said, tuple):
            self._send(*said)
        elif isinstance(said, float):
            time.sleep(said)
            self._send(200, {}, "late")
        else:
            self._send(200, {}, completion(said))

    def _trickle(self, said: Trickle) -> None:
        content = said.body.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        for number in range(len(content)):
            time.sleep(said.pause)
            self.wfile.write(content[number : number + 1])

    def _send(self, status: int, headers: dict[str, str], body: str) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def completion(text: Any, finish: str = "stop") -> str:
    """Return the body of a chat's answer."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})


@contextmanager
def serving(script: Script, port: int = 0, models: Trickle | None = None) -> Iterator[Server]:
    """Run a server for a while."""
    server = Server(script, port, models)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/v1"
