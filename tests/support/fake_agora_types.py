"""The settings and observers of `agora-python-server-sdk` 2.4.10, for `fake_agora`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ChannelProfileType(IntEnum):
    CHANNEL_PROFILE_COMMUNICATION = 0
    CHANNEL_PROFILE_LIVE_BROADCASTING = 1


class ClientRoleType(IntEnum):
    CLIENT_ROLE_BROADCASTER = 1
    CLIENT_ROLE_AUDIENCE = 2


class AudioScenarioType(IntEnum):
    AUDIO_SCENARIO_DEFAULT = 0
    AUDIO_SCENARIO_AI_SERVER = 9


@dataclass(kw_only=True)
class AgoraServiceConfig:
    appid: str = ""
    audio_scenario: AudioScenarioType = AudioScenarioType.AUDIO_SCENARIO_AI_SERVER


@dataclass(kw_only=True)
class RTCConnConfig:
    auto_subscribe_audio: int = 0
    auto_subscribe_video: int = 0
    client_role_type: ClientRoleType = ClientRoleType.CLIENT_ROLE_BROADCASTER
    channel_profile: ChannelProfileType = ChannelProfileType.CHANNEL_PROFILE_LIVE_BROADCASTING


@dataclass(kw_only=True)
class RtcConnectionPublishConfig:
    audio_scenario: AudioScenarioType = AudioScenarioType.AUDIO_SCENARIO_AI_SERVER
    is_publish_audio: bool = True
    is_publish_video: bool = False


@dataclass(kw_only=True)
class RTCConnInfo:
    id: int
    channel_id: str
    state: int
    local_user_id: str
    internal_uid: int


class IRTCConnectionObserver:
    def on_connected(self, agora_rtc_conn, conn_info, reason): ...
    def on_disconnected(self, agora_rtc_conn, conn_info, reason): ...
    def on_reconnecting(self, agora_rtc_conn, conn_info, reason): ...
    def on_reconnected(self, agora_rtc_conn, conn_info, reason): ...
    def on_connection_lost(self, agora_rtc_conn, conn_info): ...
    def on_token_privilege_will_expire(self, agora_rtc_conn, token): ...
    def on_token_privilege_did_expire(self, agora_rtc_conn): ...
    def on_connection_failure(self, agora_rtc_conn, info, reason): ...
    def on_user_joined(self, agora_rtc_conn, user_id): ...
    def on_user_left(self, agora_rtc_conn, user_id, reason): ...
    def on_transport_stats(self, agora_rtc_conn, stats): ...


class IRTCLocalUserObserver:
    def on_stream_message(self, agora_local_user, user_id, stream_id, data, length): ...
    def on_user_state_changed(self, agora_local_user, user_id, state): ...
    def on_user_info_updated(self, agora_local_user, user_id, msg, val): ...


class IAudioFrameObserver:
    def on_playback_audio_frame_before_mixing(
        self,
        agora_local_user,
        channelId,  # noqa: N803 - the SDK's
        uid,
        frame,
        vad_result_state,
        vad_result_bytearray,
    ): ...
