"""Errors on the wire, in the several shapes Zenoti uses."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse


class WireError(Exception):
    """An error answer. `code` is Zenoti's business code, not the HTTP status."""

    def __init__(self, status: int, code: int, message: str, shape: str = "error") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.shape = shape

    def response(self) -> HttpResponse:
        body: dict[str, Any]
        if self.shape == "flat":
            body = {"code": self.code, "message": self.message}
        elif self.shape == "legacy":
            body = {
                "Error": {
                    "StatusCode": self.code, "Message": self.message, "InternalMessage": None
                }
            }  # fmt: skip
        elif self.shape == "plain":
            return HttpResponse(self.message, status=self.status, content_type="text/plain")
        else:
            body = {"error": {"code": self.code, "message": self.message}}
        return answer(body, self.status)


def answer(body: Any, status: int = 200) -> HttpResponse:
    content = orjson.dumps(body)
    response = HttpResponse(content, status=status, content_type="application/json")
    response["Content-Length"] = str(len(content))
    return response


def bad_parameter(message: str) -> WireError:
    """502 in the body, which is not an HTTP status and must not be retried."""
    return WireError(400, 502, message)


def not_found(what: str) -> WireError:
    return WireError(404, 404, f"{what} not found")
