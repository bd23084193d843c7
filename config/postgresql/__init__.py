"""Django's PostgreSQL backend, with connections that say who is looking."""
