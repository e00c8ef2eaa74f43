"""What is remembered: records, MLflow, statistics, reports."""
