from tests.sandbox_server import sandbox

__all__ = ["sandbox"]
