"""Passwords in addresses are not repeated."""

import pytest

from studies.secrets import masked, without_credentials


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("http://me:secret@host:5000", "http://host:5000"),
        ("https://me@host/path@x", "https://host/path@x"),
        ("https://me:se@cret@host/path", "https://host/path"),
        ("postgresql+psycopg2://me:secret@host/db", "postgresql+psycopg2://host/db"),
        ("postgresql://host/db?user=me&password=secret&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("sqlite:////runs/mlflow.db", "sqlite:////runs/mlflow.db"),
        ("http://host:5000", "http://host:5000"),
    ],
)
def test_an_address_is_told_without_its_credentials(uri: str, public: str) -> None:
    assert without_credentials(uri) == public


def test_credentials_are_masked_wherever_they_stand_in_a_text() -> None:
    text = "API request to http://me:secret@host:5000/api failed; python -m x 'tracking_uri=http://me:secret@host'"
    assert masked(text) == (
        "API request to http://***@host:5000/api failed; python -m x 'tracking_uri=http://***@host'"
    )
