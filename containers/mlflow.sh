#!/bin/sh
# MLflow's server. Passwords are in the environment, where libpq and MLflow look for them, and on no command line.
set -eu
if [ "${MLFLOW_AUTH:-off}" = on ]; then
  : "${MLFLOW_AUTH_ADMIN_PASSWORD:?MLFLOW_AUTH=on needs it in .env}"
  : "${MLFLOW_FLASK_SERVER_SECRET_KEY:?MLFLOW_AUTH=on needs it in .env}"
  set -- --app-name basic-auth
fi
# One process with threads serves a team, and is up in half the time of several.
exec mlflow server --host 0.0.0.0 --port 5000 --workers 1 "$@"
