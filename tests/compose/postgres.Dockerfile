# A stand-in for the published Postgres image where no image can be pulled: Debian's packages on the base image, with
# what docker-compose.yml uses of the original: its user, its folders, its port, its variables and its entry point.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE}
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/* \
    && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data \
    && install -d -m 3777 /var/run/postgresql \
    && install -d /docker-entrypoint-initdb.d \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
COPY postgres-entry.sh /usr/local/bin/
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entry.sh"]
