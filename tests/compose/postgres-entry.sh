#!/bin/sh
# As the published image does it: make the databases once, listening to nobody, then be Postgres.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?}"
  umask 077
  echo "$POSTGRES_PASSWORD" >/tmp/password
  # shellcheck disable=SC2086 # several arguments are meant to be several
  initdb --username=postgres --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust ${POSTGRES_INITDB_ARGS:-}
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait start -o "-c listen_addresses=''"
  for script in /docker-entrypoint-initdb.d/*.sql; do
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --username=postgres --file="$script"
  done
  pg_ctl --wait --mode=fast stop
fi
exec postgres -c listen_addresses='*'
