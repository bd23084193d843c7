from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
import responses

from platforms import http
from platforms.http import HostNotAllowed, NoAnswer, NothingSent, client

BASE = "http://127.0.0.1:9100"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def rude_server():
    """Takes a request and hangs up without an answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            talk, _ = listener.accept()
            talk.recv(65536)
            talk.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@responses.activate
def test_only_listed_hosts_are_called():
    with pytest.raises(HostNotAllowed, match=r"example\.test"):
        client.request("GET", "http://example.test/")
    assert len(responses.calls) == 0


def test_user_info_cannot_smuggle_a_host():
    with pytest.raises(HostNotAllowed):
        client.request("GET", "http://127.0.0.1:9100@example.test/")


def test_plain_http_leaves_the_machine_only_outside_production(settings):
    settings.OUTBOUND_HOSTS = ["api.example.test"]
    settings.IS_PRODUCTION = True
    with pytest.raises(HostNotAllowed, match="https"):
        client.request("GET", "http://api.example.test/")


@responses.activate
def test_a_redirect_is_an_answer_not_an_order():
    responses.get(f"{BASE}/a", status=302, headers={"Location": "http://example.test/"})
    assert client.request("GET", f"{BASE}/a").status_code == 302
    assert len(responses.calls) == 1


def test_refused_connection_means_nothing_was_sent(settings, free_port):
    settings.OUTBOUND_HOSTS = [f"127.0.0.1:{free_port}"]
    with pytest.raises(NothingSent):
        client.request("POST", f"http://127.0.0.1:{free_port}/")


def test_a_hang_up_after_the_request_is_ambiguous(settings, rude_server):
    settings.OUTBOUND_HOSTS = [rude_server]
    with pytest.raises(NoAnswer):
        client.request("POST", f"http://{rude_server}/", data=b"x")


def test_no_proxy_of_the_machine_stands_between(settings, rude_server, free_port, monkeypatch):
    """It would see every token: the call reaches the server itself, which hangs up."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    settings.OUTBOUND_HOSTS = [rude_server]
    with pytest.raises(NoAnswer):
        client.request("POST", f"http://{rude_server}/", data=b"x")


@responses.activate
def test_an_answer_without_end_is_cut_off_as_none(monkeypatch):
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 10)
    responses.get(f"{BASE}/a", body=b"x" * 11)
    with pytest.raises(NoAnswer):
        client.request("GET", f"{BASE}/a")
    responses.get(f"{BASE}/b", body=b"x" * 10)
    assert client.request("GET", f"{BASE}/b").content == b"x" * 10


@pytest.fixture
def dripping_server():
    """Answers at once and never ends: a byte of a long body every now and then."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            talk, _ = listener.accept()
            with talk:
                talk.recv(65536)
                talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                with suppress(OSError):
                    for _ in range(500):
                        talk.sendall(b"x")
                        time.sleep(0.02)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(15)


def test_an_answer_that_drips_holds_nobody(settings, dripping_server, monkeypatch):
    """Each byte comes in time, the whole never would: the worker is free after the limit."""
    settings.OUTBOUND_HOSTS = [dripping_server]
    monkeypatch.setattr(http, "WHOLE_ANSWER_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        client.request("GET", f"http://{dripping_server}/", read_seconds=5)
    assert time.monotonic() - began < 5
