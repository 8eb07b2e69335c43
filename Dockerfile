FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# The locked packages first: they change less often than the code, and their layer is kept.
COPY lock/build.txt lock/run.txt lock/
RUN python -m venv /opt/remit \
    && /opt/remit/bin/pip install --require-hashes --requirement lock/run.txt \
    && pip install --require-hashes --requirement lock/build.txt

COPY LICENSE pyproject.toml ./
COPY service service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/remit/bin/pip install --no-deps --no-index /wheel/*.whl \
    && /opt/remit/bin/pip uninstall --yes pip setuptools


FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 remit \
    && useradd --system --uid 10001 --gid remit --home-dir /var/lib/remit --create-home remit
COPY --from=build /opt/remit /opt/remit
COPY policies /usr/share/remit/policies

ENV PATH=/opt/remit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REMIT_DATABASE=sqlite:////var/lib/remit/remit.db \
    REMIT_HOST=0.0.0.0 \
    REMIT_POLICIES=/usr/share/remit/policies/hotel \
    REMIT_PORT=8000

USER 10001:10001
WORKDIR /var/lib/remit
VOLUME /var/lib/remit
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['REMIT_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["remit"]
CMD ["serve"]
