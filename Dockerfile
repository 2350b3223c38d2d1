# The README's set-up in a container. It was written without a container engine at hand: its steps were run
# one by one on Debian, the image itself was not built.
FROM python:3.13-slim

WORKDIR /app
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install -q --require-hashes -r requirements.lock
COPY . .
RUN .venv/bin/pip install -q --no-deps --no-build-isolation .

RUN useradd --create-home --uid 10001 lodeplan && install -d -o lodeplan /data
USER lodeplan
# Whoever reaches the port needs a key: docker exec NAME .venv/bin/lodeplan keys create me --scope admin
ENV LODEPLAN_DATA_DIR=/data LODEPLAN_REQUIRE_LOGIN=true
VOLUME /data
EXPOSE 8000

# The image has no curl. A container that runs `lodeplan worker` answers nothing: switch this off there.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]

# Docker kills 10 s after it asked to end; LODEPLAN_DRAIN_S is as long. Give it more: docker run --stop-timeout 60.
# Inside, the server must listen on every address. Publish it to one machine: -p 127.0.0.1:8000:8000
CMD [".venv/bin/lodeplan", "serve", "--host", "0.0.0.0"]
