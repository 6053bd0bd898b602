from __future__ import annotations

from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.speech.message import SpokenMessage
from akool_async.conversation.transcript import Transcript
from akool_async.stream import StreamCodec, new_mid
from akool_async.stream.limits import LIVEKIT


class Port:
    """What a message needs of a conversation, with the outbox in plain sight."""

    options = ConversationOptions()

    def __init__(self, dialect="v2") -> None:
        self.codec = StreamCodec(LIVEKIT, dialect, own_id="client_1", peer_id="server_1")
        self.transcript = Transcript()
        self.queued: list[bytes] = []
        self.urgent: list[bytes] = []
        self.closed: list[bool] = []
        self.whole: list[str] = []
        self.answered = None

    def open_message(self, answered):
        self.answered = answered
        return self.codec.open_chat(new_mid())

    def begin_entry(self, mid):
        return self.transcript.begin("avatar", "said", mid=mid)

    def enqueue(self, mid, packets, *, more, urgent=False):
        (self.urgent if urgent else self.queued).extend(packets)

    def withdraw(self, mid):
        count = len(self.queued)
        self.queued.clear()
        return count

    def text_known(self, mid, text):
        self.whole.append(text)

    def close_message(self, mid, entry, *, cut_off):
        self.closed.append(cut_off)

    def send(self, message) -> None:
        self.queued.pop(0)
        message.packet_sending()
        message.packet_sent()


def begin(*, avatar_speaking: bool = False, dialect="v2") -> tuple[Port, SpokenMessage]:
    port = Port(dialect)
    return port, SpokenMessage(port, avatar_speaking=avatar_speaking)


async def test_its_text_and_what_was_sent_of_it():
    port, message = begin()
    message.add("One. ")
    message.finish("Two.")
    assert (message.text, message.text_sent, port.whole) == ("One. Two.", "", ["One. Two."])
    port.send(message)
    assert (message.text_sent, port.transcript[0].text) == ("One. ", "One. ")
    assert not message.sent.done()
    port.send(message)
    assert message.sent.done()
    assert message.text_sent == port.transcript[0].text == "One. Two."


async def test_a_refused_packet_was_not_sent():
    port, message = begin()
    message.add("One. ")
    message.add("Two.")
    port.send(message)
    message.packet_sending()
    assert message.text_sent == "One. Two."
    message.packet_failed()
    assert message.text_sent == port.transcript[0].text == "One. "


async def test_the_avatars_own_text_is_left_alone():
    port, message = begin()
    message.add("One. ")
    port.send(message)
    port.transcript[0].source = "reply"
    port.transcript[0].text = "ONE."
    message.finish("Two.")
    port.send(message)
    assert port.transcript[0].text == "ONE."


async def test_it_is_over_when_the_avatar_falls_silent_after_it():
    port, message = begin()
    message.audio_started()
    message.audio_ended("")
    message.finish("One.")
    port.send(message)
    assert not message.over.done()
    message.audio_started()
    message.audio_ended("")
    assert message.over.done()


async def test_silence_before_the_last_part_counts_when_that_has_no_text():
    port, message = begin()
    message.add("One.")
    port.send(message)
    message.audio_started()
    message.audio_ended("")
    assert not message.over.done()
    message.finish()
    port.send(message)
    assert message.over.done()


async def test_what_was_being_said_before_does_not_end_it():
    port, message = begin(avatar_speaking=True)
    message.finish("One.")
    port.send(message)
    message.audio_ended("")
    assert not message.over.done()
    message.audio_ended("")
    assert message.over.done()


async def test_its_own_mid_ends_it_whatever_was_being_said():
    port, message = begin(avatar_speaking=True)
    message.finish("One.")
    port.send(message)
    message.audio_ended(message.mid)
    assert message.over.done()


async def test_stopped_it_takes_back_what_was_not_sent():
    port, message = begin()
    message.add("One. ")
    assert message.stop(send_end=True) is False
    assert (port.queued, port.urgent) == ([], [])
    port, message = begin()
    message.add("One. ")
    port.send(message)
    assert message.stop(send_end=True) is True
    assert len(port.urgent) == 1
    message.close(cut_off=True)
    assert port.closed == [True]
    assert message.sent.cancelled()


async def test_in_the_chat_room_the_answers_end_ends_it():
    port, message = begin(dialect="v3")
    message.finish("One.")
    port.send(message)
    port.answered()
    assert message.over.done()
