-- Run once, when Postgres makes its volume: MLflow and Optuna each have a database that only they may open.
\getenv mlflow_password MLFLOW_DB_PASSWORD
\getenv optuna_password OPTUNA_DB_PASSWORD
-- A statement that fails is logged with all that is in it, passwords included, unless told otherwise.
SET log_min_error_statement = panic;
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE ROLE optuna LOGIN PASSWORD :'optuna_password';
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE optuna OWNER optuna;
REVOKE ALL ON DATABASE mlflow, optuna FROM PUBLIC;
