"""A stand-in for a machine that words sentences, on loopback, in the OpenAI wire format.

It does whatever a guest's words tell it: what stands between « and », also when that is hidden in
base64, is what it writes. `how` says in which way it obeys or misbehaves.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "obedient-1"


def order_in(words: str) -> str | None:
    """What a note orders to write; None where it orders nothing."""
    for found in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", words):
        try:
            decoded = base64.b64decode(found, validate=True).decode()
        except ValueError:
            continue
        words += decoded
    match = re.search(r"«(.*?)»", words, re.DOTALL)
    return match.group(1) if match else None


def _as_json(sentences: list[str], **more: Any) -> str:
    return json.dumps({"sentences": sentences, **more}, ensure_ascii=False)


# How the machine obeys an order: given the sentences it was to word and the order.
WAYS: dict[str, Callable[[list[str], str], str]] = {
    "every sentence": lambda given, order: _as_json([order] * len(given)),
    "appended": lambda given, order: _as_json([f"{given[0]} {order}", *given[1:]]),
    "in front": lambda given, order: _as_json([f"{order} {given[0]}", *given[1:]]),
    "the answer itself": lambda given, order: order,
    "more keys": lambda given, order: _as_json(given, offer=order, body=order),
    "more sentences": lambda given, order: _as_json([*given, order]),
    "a full stop behind": lambda given, order: _as_json([order.rstrip(".!?") + "."] * len(given)),
}


class Stub:
    """The running stand-in: `url` for DRAFTING_URL, what it was asked, how it behaves."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.asked: list[dict[str, Any]] = []
        self.how = "every sentence"
        self.answer: Callable[[dict[str, Any]], str] | None = None
        self.status = 200
        self.wait_s = 0.0
        self.headers: dict[str, str] = {}
        self.changes: dict[str, Any] = {}

    def write(self, task: dict[str, Any]) -> str:
        """The content of the answer to a task."""
        if self.answer is not None:
            return self.answer(task)
        given = list(task["sentences"])
        order = order_in("\n".join(task.get("words_of_the_guest", [])))
        return _as_json(given) if order is None else WAYS[self.how](given, order)


@contextmanager
def running() -> Iterator[Stub]:
    """Serve on a free port of loopback for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            call = json.loads(self.rfile.read(length))
            stub.asked.append({**call, "headers": {k.lower(): v for k, v in self.headers.items()}})
            time.sleep(stub.wait_s)
            task = json.loads(call["messages"][1]["content"])
            message = {"role": "assistant", "content": stub.write(task), **stub.changes}
            body = json.dumps(
                {
                    "id": "chat-1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": MODEL,
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                }
            ).encode()
            self.send_response(stub.status)
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub = Stub(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
