from __future__ import annotations

from typing import Any

import pytest
from livekit import api

from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.models import LiveKitCredentials, TRTCCredentials
from akool_async.rooms import OwnAgoraRoom, OwnLiveKitRoom
from akool_async.rooms.viewers import SIMULATOR_SECRET, RoomLinks, links_of_credentials
from akool_async.simulator.rooms.livekit.tokens import Grants, mint

URL = "wss://livekit.example"
KEY = "APIkey0123"
SECRET = "a-secret-of-more-than-32-characters"


def own(**more: Any) -> OwnLiveKitRoom:
    given = {"url": URL, "api_key": KEY, "api_secret": SECRET, "name": "hall", **more}
    return OwnLiveKitRoom(avatar_identity="avatar", bot_identity="bot", **given)


def read(token: str, secret: str = SECRET, key: str = KEY) -> api.Claims:
    return api.TokenVerifier(key, secret).verify(token)


class TestTokens:
    def test_a_viewer_sees_and_hears_and_nothing_else(self) -> None:
        claims = read(own().viewer_token())
        video = claims.video
        assert video is not None
        assert (video.room, video.room_join, video.hidden) == ("hall", True, True)
        assert video.can_subscribe
        assert not video.can_publish
        assert not video.can_publish_data

    def test_a_visitor_has_a_microphone_and_a_camera_but_no_data(self) -> None:
        video = read(own().visitor_token("guest-1", "Ada")).video
        assert video is not None
        assert video.can_publish
        assert video.can_publish_sources == ["microphone", "camera"]
        assert not video.can_publish_data
        assert not video.hidden

    def test_identity_name_and_life_are_as_given(self) -> None:
        import jwt

        token = own().visitor_token("guest-1", "Ada", ttl=60)
        claims = read(token)
        assert (claims.identity, claims.name) == ("guest-1", "Ada")
        times = jwt.decode(token, options={"verify_signature": False})
        assert times["exp"] - times["nbf"] == 60

    def test_everybody_has_another_identity(self) -> None:
        room = own()
        identities = {read(room.viewer_token()).identity for _ in range(5)}
        assert len(identities) == 5

    @pytest.mark.parametrize("identity", ["avatar", "bot", "avatar-2", "bot-17"])
    def test_the_avatars_and_the_programs_identities_are_refused(self, identity: str) -> None:
        with pytest.raises(InvalidParameterError, match=r"^identity: .*would remove"):
            own().visitor_token(identity)

    @pytest.mark.parametrize(
        ("field", "given"),
        [
            ("identity", {"identity": ""}),
            ("name", {"name": " "}),
            ("ttl", {"ttl": 0}),
            ("ttl", {"ttl": 100_000}),
        ],
    )
    def test_wrong_values_are_refused(self, field: str, given: dict[str, Any]) -> None:
        with pytest.raises(InvalidParameterError, match=f"^{field}: "):
            own().viewer_token(**given)

    def test_ready_tokens_make_no_others(self) -> None:
        tokens = own().prepare()
        assert isinstance(tokens.bot_credentials, LiveKitCredentials)
        ready = OwnLiveKitRoom(
            url=URL,
            avatar_token=tokens.avatar_credentials["livekit_token"],
            bot_token=tokens.bot_credentials.livekit_token,
        )
        with pytest.raises(NotSupportedError, match="api_key="):
            ready.viewer_token()

    def test_no_secret_is_shown(self) -> None:
        room = own()
        link = room.links.make(lambda maker: maker.viewer(None, None, 60))
        for shown in (repr(link), repr(room.links), repr(room.links.maker)):
            assert link.token not in shown
            assert SECRET not in shown
        assert link.room == "hall"
        assert link.url == URL


class TestServiceRooms:
    def credentials(self, url: str, secret: str) -> LiveKitCredentials:
        token = mint(Grants(identity="client_1", room="akool_5"), lifetime=60, secret=secret)
        return LiveKitCredentials.read(
            {
                "livekit_url": url,
                "livekit_token": token,
                "livekit_room_name": "akool_5",
                "livekit_server_identity": "avatar_1",
                "livekit_client_identity": "client_1",
            }
        )

    def test_a_simulators_room_lets_people_in(self) -> None:
        links = links_of_credentials(self.credentials("ws://127.0.0.1:8080", SIMULATOR_SECRET))
        link = links.make(lambda maker: maker.viewer("v", None, 60))
        assert read(link.token, SIMULATOR_SECRET, "devkey").identity == "v"
        with pytest.raises(InvalidParameterError, match="identity"):
            links.make(lambda maker: maker.visitor("avatar_1", None, 60))

    @pytest.mark.parametrize(
        ("url", "secret"),
        [
            ("wss://akool.example", SIMULATOR_SECRET),
            ("ws://127.0.0.1:8080", "another-secret-of-32-characters-1234"),
        ],
    )
    def test_another_room_does_not_and_says_what_to_do(self, url: str, secret: str) -> None:
        links = links_of_credentials(self.credentials(url, secret))
        with pytest.raises(NotSupportedError, match=r"one client identity.*OwnLiveKitRoom"):
            links.make(lambda maker: maker.viewer(None, None, 60))

    def test_a_token_that_is_none_is_no_simulators(self) -> None:
        for token in (None, "x", "a.b.ä", "a.b.c"):
            credentials = LiveKitCredentials.read(
                {"livekit_url": "ws://localhost", "livekit_room_name": "r", "livekit_token": token}
            )
            assert links_of_credentials(credentials).maker is None

    def test_other_kinds_of_rooms_say_that_their_backend_makes_tokens(self) -> None:
        trtc = TRTCCredentials.read({"trtc_app_id": 1, "trtc_room_id": "r", "trtc_user_id": "u"})
        with pytest.raises(NotSupportedError, match="'trtc'"):
            links_of_credentials(trtc).make(lambda maker: maker.viewer(None, None, 60))
        room = OwnAgoraRoom(
            channel="c", app_id="a", avatar_uid=1, avatar_token="t", bot_uid=2, bot_token="u"
        )
        with pytest.raises(NotSupportedError, match="'agora'"):
            room.links.make(lambda maker: maker.viewer(None, None, 60))

    def test_nothing_known_is_no_room(self) -> None:
        with pytest.raises(NotSupportedError):
            RoomLinks().make(lambda maker: maker.viewer(None, None, 60))
