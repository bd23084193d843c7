"""A machine that words sentences, behind an OpenAI-compatible address (DRAFTING_URL).

It gets a task as text and gives text back: no tools, no files, no memory. The call follows the one
set of rules for calls to the outside (platforms.http): hosts on the allow-list, no redirect, no
proxy or password of the surroundings, bounded time and size. What it says is untrusted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from platforms.http import CONNECT_SECONDS, HostNotAllowed, check_address

if TYPE_CHECKING:
    from openai import OpenAI

MAX_ANSWER_BYTES = 64 * 1024
MAX_ANSWER_TOKENS = 600


class NoWords(Exception):
    """The machine gave no answer that can be used. The message is fit for staff."""


@dataclass(frozen=True)
class Words:
    """What the machine wrote, and which machine it says it is."""

    text: str
    model: str


def is_set_up() -> bool:
    """Whether this deployment has a machine to ask."""
    return bool(settings.DRAFTING["url"])


def ask(*, system: str, task: str, schema: dict[str, Any]) -> Words:
    """One question, never repeated here. `schema` is the JSON schema of the wanted answer, which
    the machine may or may not keep to. Raises NoWords."""
    import openai

    try:
        answer = _client().chat.completions.create(
            model=settings.DRAFTING["model"],
            messages=[
                {"role": "system", "content": system},
                {"role": "user", "content": task},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "sentences", "strict": True, "schema": schema},
            },
            max_completion_tokens=MAX_ANSWER_TOKENS,
        )
    except HostNotAllowed as error:
        raise NoWords(str(error)) from error
    except openai.APITimeoutError as error:
        raise NoWords("No answer in time.") from error
    except openai.APIStatusError as error:
        raise NoWords(f"Answered {error.status_code}.") from error
    except (openai.APIError, ValueError, TypeError) as error:
        raise NoWords(f"The answer could not be read: {type(error).__name__}.") from error
    return _words(answer)


def _words(answer: Any) -> Words:
    """The words of the first choice. Another server than OpenAI's may leave anything out."""
    choices = getattr(answer, "choices", None)
    first = choices[0] if choices else None
    message = getattr(first, "message", None)
    if message is None:
        raise NoWords("The answer was empty.")
    if getattr(message, "refusal", None):
        raise NoWords("It declined.")
    if getattr(first, "finish_reason", "stop") == "length":
        raise NoWords("The answer was cut off.")
    content = getattr(message, "content", None)
    if not isinstance(content, str) or not content.strip():
        raise NoWords("The answer was empty.")
    model = getattr(answer, "model", None)
    return Words(content, str(model or settings.DRAFTING["model"])[:80])


@cache
def _client() -> OpenAI:
    """One client per process; its connections are shared by the process's threads."""
    import httpx2
    import openai

    class Bounded(httpx2.SyncByteStream):
        """An answer that ends when it is too long or takes too long, however slowly it drips."""

        def __init__(self, stream: Any, until: float) -> None:
            self._stream, self._until = stream, until

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in self._stream:
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise httpx2.ReadError("answer too large")
                if time.monotonic() > self._until:
                    raise httpx2.ReadTimeout("answer too slow")
                yield part

        def close(self) -> None:
            self._stream.close()

    class Guarded(httpx2.HTTPTransport):
        """The allow-list stands before each request, whoever makes it."""

        def handle_request(self, request: Any) -> Any:
            check_address(str(request.url))
            until = time.monotonic() + settings.DRAFTING["seconds"]
            response = super().handle_request(request)
            response.stream = Bounded(response.stream, until)
            return response

    return openai.OpenAI(
        base_url=settings.DRAFTING["url"],
        api_key=settings.DRAFTING["key"] or "none",
        organization="",
        project="",
        max_retries=0,
        timeout=settings.DRAFTING["seconds"],
        http_client=httpx2.Client(
            transport=Guarded(trust_env=False, retries=0),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx2.Timeout(settings.DRAFTING["seconds"], connect=CONNECT_SECONDS),
        ),
    )
