"""Other channels, through Apprise: one that it has for everything, a POST of JSON."""

import pytest
from webhook_server import webhook

from tracking.channels import check_apprise, send
from tracking.webhook import NotSentError


def test_a_message_goes_to_each_address() -> None:
    check_apprise("BRIEF_APPRISE")
    with webhook() as one, webhook() as other:
        addresses = " ".join(server.address.replace("http://", "json://") for server in (one, other))
        send(addresses, "Since 18:00: nothing.", "# Brief")
        for server in (one, other):
            [message] = server.messages
            assert message["title"] == "Since 18:00: nothing."
            assert "# Brief" in message["message"]


def test_an_address_that_is_none_or_takes_nothing_is_an_error_that_does_not_repeat_it() -> None:
    with pytest.raises(NotSentError, match="address 1 is none that Apprise knows"):
        send("nowhere://s3cret", "title", "text")
    with webhook([500]) as server, pytest.raises(NotSentError) as caught:
        send(server.address.replace("http://", "json://"), "title", "text")
    assert "s3cret" not in str(caught.value)
