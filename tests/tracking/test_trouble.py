"""What the errors of MLflow's client come to in words, and what a server that cannot be used is said to have."""

import socket
import threading
import time

import pytest

from tracking.address import check
from tracking.trouble import is_refusal, plainly, trouble_with

FAILED = "API request to endpoint /api/2.0/mlflow/runs/create failed with error code"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (f"{FAILED} 401 != 200. Response body: 'You are not authenticated.'", "it refuses the user or the password"),
        (f"{FAILED} 403 != 200. Response body: 'Permission denied'", "it forbids that (HTTP 403)"),
        (f"{FAILED} 507 != 200. Response body: ''", "its disk is full (HTTP 507)"),
        ("INTERNAL_ERROR: could not extend file: No space left on device", "its disk is full"),
        ("Max retries exceeded (Caused by ResponseError('too many 500 error responses'))", "it fails (HTTP 500)"),
        ("HTTPConnectionPool(host='h', port=1): Read timed out. (read timeout=60)", "no answer in time"),
        ("<urlopen error [Errno 111] Connection refused>", "nobody answers there"),
        ("INVALID_PARAMETER_VALUE: a tag is too long", "INVALID_PARAMETER_VALUE: a tag is too long"),
    ],
)
def test_an_error_of_the_client_is_said_in_words(error: str, words: str) -> None:
    assert plainly(error).startswith(words)


def test_only_what_trying_again_does_not_mend_is_a_refusal() -> None:
    assert is_refusal(plainly(f"{FAILED} 401 != 200."))
    assert is_refusal(plainly(f"{FAILED} 403 != 200."))
    assert not is_refusal(plainly(f"{FAILED} 500 != 200."))


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        began = time.monotonic()
        assert trouble_with(check(f"http://127.0.0.1:{deaf.getsockname()[1]}"), seconds=0.3) == "no answer in time"
        assert time.monotonic() - began < 5


def test_a_server_is_asked_with_its_user_and_password() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=answer)
        thread.start()
        assert trouble_with(check(f"http://me:secret@127.0.0.1:{server.getsockname()[1]}")) == ""
        thread.join()
    assert b"Authorization: Basic bWU6c2VjcmV0" in asked[0]


def test_a_database_is_not_asked() -> None:
    assert trouble_with(check("sqlite:///mlflow.db")) == ""
