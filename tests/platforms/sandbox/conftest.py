from collections.abc import Iterator

import pytest

from tests.platforms.sandbox.receiver import Receiver
from tests.sandbox_server import Sandbox, sandbox, start, stop

__all__ = ["sandbox"]
MAIL_SECRET = "whsec_bWFpbHM="


@pytest.fixture(scope="package")
def listener() -> Iterator[Receiver]:
    """Where the live sandbox posts webhooks (/hook), inbound texts (/inbound), callbacks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="package")
def live(listener: Receiver) -> Iterator[Sandbox]:
    """A sandbox of its own that posts to the listener."""
    running = start(
        "sandbox_live",
        SANDBOX_WEBHOOK_URL=f"{listener.url}/hook",
        SANDBOX_SMS_INBOUND_URL=f"{listener.url}/inbound",
        SANDBOX_MAIL_HOOK_URL=f"{listener.url}/mail",
        SANDBOX_MAIL_HOOK_SECRET=MAIL_SECRET,
    )
    yield running
    stop(running)
