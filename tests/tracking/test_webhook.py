"""Posting a message: tried again where that may help, and never telling the address."""

import socket

import pytest
from webhook_server import webhook

from studies.errors import InputError
from tracking.webhook import NotSentError, check_address, post

SOON = (0.01, 0.01)


def test_a_message_arrives_as_json() -> None:
    with webhook() as server:
        post(server.address, {"text": "ünïcode"})
        assert server.messages == [{"text": "ünïcode"}]


def test_a_server_that_is_busy_is_asked_again() -> None:
    with webhook([503, 429]) as server:
        post(server.address, {"text": "x"}, SOON)
        assert (server.attempts, len(server.messages)) == (3, 1)


def test_it_is_given_up_in_the_end() -> None:
    with webhook([500] * 9) as server:
        with pytest.raises(NotSentError, match="it answered 500"):
            post(server.address, {}, SOON)
        assert server.attempts == 3


@pytest.mark.parametrize("answer", [404, 401, 302])
def test_an_answer_that_will_not_change_is_not_asked_for_again(answer: int) -> None:
    with webhook([answer] * 9) as server:
        with pytest.raises(NotSentError, match=f"it answered {answer}"):
            post(server.address, {}, SOON)
        assert server.attempts == 1


def test_the_address_is_in_no_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NotSentError) as caught:
        post(f"http://127.0.0.1:{port}/s3cret", {}, ())
    assert "s3cret" not in str(caught.value)
    assert str(port) not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["s3cret", "ftp://host/s3cret", "https:///s3cret", "http://host:x/s3cret", "file:///s3cret"]
)
def test_what_cannot_be_posted_to_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(InputError, match="BRIEF_WEBHOOK") as caught:
        check_address(address, "BRIEF_WEBHOOK")
    assert "s3cret" not in str(caught.value)
