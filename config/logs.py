"""How Tenure logs: one line per event with the request's or task's id, and no personal data.

JSON in production, plain text elsewhere. Guests appear by id only. What slips through (an error
text of the database quotes values) loses e-mail addresses, phone numbers and query strings here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
PHONE = re.compile(r"\+\d{8,15}\b|\(?\b\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b")
# What staff search for stands behind the question mark: "GET /members/?q=Ana".
QUERY = re.compile(r"(?P<path>\s/[^\s?\"]*)\?[^\s\"]*")


def without_personal_data(text: str) -> str:
    """The text without e-mail addresses, phone numbers and query strings."""
    text = EMAIL.sub("[email]", text)
    text = PHONE.sub("[phone]", text)
    return QUERY.sub(r"\g<path>?[query]", text)


def _scrubbing(render: Callable[[WrappedLogger, str, EventDict], Any]) -> Processor:
    """A renderer whose finished line is scrubbed: tracebacks and nested values included."""

    def renderer(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return without_personal_data(str(render(logger, method, event)))

    return renderer


def configure(*, level: str, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING; both kinds of loggers end in one format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor
    if as_json:
        renderer = _scrubbing(structlog.processors.JSONRenderer())
    else:
        renderer = _scrubbing(
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would print a second time.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "axes": {"level": "WARNING"},
            # A line per call, with its whole address: what goes out is told by the ledger and our
            # own lines, by id. What goes wrong still comes through.
            "httpx2": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            # Every beat of every poke is no news; beginnings and ends of tasks are logged with
            # their ids by django-structlog.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "CRITICAL"},
        },
    }
