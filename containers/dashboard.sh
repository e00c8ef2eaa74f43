#!/bin/sh
# Optuna's dashboard, which expects tables that it does not make.
set -eu
python -c 'import os; from search.storage import open_storage; open_storage(os.environ["OPTUNA_STORAGE"])'
exec optuna-dashboard "$OPTUNA_STORAGE" --host 0.0.0.0 --port 8080
