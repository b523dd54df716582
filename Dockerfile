# Everything that is installed is named with its hash in a lock file; no index is named anywhere.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/pointsman \
    && /opt/pointsman/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/tools/bin/hatchling build -t wheel -d dist \
    && /opt/pointsman/bin/pip install --no-cache-dir --no-index --no-deps dist/*.whl \
    && /opt/pointsman/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
COPY --from=build /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
# ext_proc, gRPC health, /metrics
EXPOSE 9002 9003 9090
ENTRYPOINT ["pointsman"]
CMD ["picker"]
