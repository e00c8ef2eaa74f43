# One image for every service but Postgres: the coordinator, the workers, MLflow and the dashboards.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE}

# Where pip finds packages, if not at its usual place, is said by the environment of who builds.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_CERT

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=true

WORKDIR /app
# The packages first: an image whose code alone changed is built in seconds. What goes again is for who develops the
# packages themselves: TensorFlow's C++ headers (430 MB) and some tests (120 MB).
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /opt/venv \
    && mkdir studies search tracking && touch README.md \
    && pip install --no-cache-dir --quiet -c constraints.txt '.[service]' \
    && pip uninstall --quiet --yes ablation-search \
    && rm -rf build *.egg-info README.md \
    && cd /opt/venv/lib/python3*/site-packages \
    && rm -rf tensorflow/include \
    && find pandas pyarrow scipy sklearn matplotlib -type d -name tests -prune -exec rm -rf {} +

COPY studies studies
COPY tracking tracking
COPY search search
COPY containers containers
# A new volume takes over the owner of the folder that it is mounted on.
RUN python -m compileall -q studies tracking search \
    && groupadd --gid 10001 study \
    && useradd --uid 10001 --gid study --no-create-home --home-dir /tmp --shell /usr/sbin/nologin study \
    && mkdir -p runs /artifacts /data \
    && chown study:study runs /artifacts /data

# Dask's own commands do not look for modules where they are started.
ENV PYTHONPATH=/app
USER 10001:10001
CMD ["python", "-m", "search.run", "--help"]
