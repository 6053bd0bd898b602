"""The SDK's service: one per process, shared by all sessions, released with the last.

The SDK allows one `AgoraService` in a process. It is bound to an app id, and `initialize()` may
return 0 and have failed, because it returns the code of its last step: `inited` is right.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from akool_agora.engine import EngineError, Room
from akool_agora.sdk_package import SDK
from akool_async.errors import JoinError

__all__ = ["SERVICE", "SharedService"]

_NOT_INITIALIZED: Final = -7


class SharedService:
    """Opens and closes connections of the one service. Every method blocks: call it in a thread.

    The lock keeps the SDK's own calls apart, so that a connection is never released while another
    thread still disconnects it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._service: Any = None
        self._app_id = ""
        self._connections = 0

    def open(self, sdk: SDK, room: Room, connection_observer: Any, user_observer: Any) -> Any:
        """A connection with its observers, on its way into the channel; `connect` was called.

        Raises:
            EngineError: the SDK refused.
            JoinError: the process is in channels of another app id.
        """
        with self._lock:
            service = self._acquire(sdk, room.app_id)
            connection = None
            try:
                connection = service.create_rtc_connection(*_configs(sdk))
                if connection is None or connection.conn_handle is None:
                    raise EngineError(_NOT_INITIALIZED, "the SDK made no connection")
                # A stream that couldn't be made is kept as None, and every send would raise.
                if connection._data_stream_id is None:  # noqa: SLF001 - not public
                    raise EngineError(-1, "the SDK made no data stream")
                # disconnect() takes the observers off; a connection is used once and a reconnect
                # makes a new one, so they are registered before every connect().
                _check(connection.register_observer(connection_observer))
                _check(connection.register_local_user_observer(user_observer))
                _check(connection.connect(room.token, room.channel, str(room.uid)))
            except BaseException:
                if connection is not None and connection.conn_handle is not None:
                    connection.release()
                self._give_back()
                raise
            return connection

    def renew_token(self, connection: Any, token: str) -> None:
        """Gives a connection a new token.

        Raises:
            EngineError: the SDK refused.
        """
        with self._lock:
            _check(connection.renew_token(token))

    def call(self, work: Callable[[], Any]) -> Any:
        """Runs calls of the SDK, apart from all others."""
        with self._lock:
            return work()

    def disconnect(self, connection: Any) -> None:
        """Begins to leave; `on_disconnected` comes when that is done."""
        with self._lock:
            connection.disconnect()

    def release(self, connection: Any) -> None:
        """Frees a connection, and the service with the last one. Once per connection."""
        with self._lock:
            try:
                connection.release()
            finally:
                self._give_back()

    def drop(self, connection: Any) -> None:
        """Leaves and frees a connection that was given up."""
        try:
            self.disconnect(connection)
        finally:
            self.release(connection)

    def _acquire(self, sdk: SDK, app_id: str) -> Any:
        if self._service is None:
            service = sdk.service.AgoraService()
            config = sdk.base.AgoraServiceConfig(
                appid=app_id, audio_scenario=sdk.base.AudioScenarioType.AUDIO_SCENARIO_DEFAULT
            )
            try:
                code = service.initialize(config)
            except BaseException as error:
                _release(service)
                if not isinstance(error, AttributeError):
                    raise
                # After a failure it goes on with the parameters that it didn't get.
                raise EngineError(_NOT_INITIALIZED, "the service didn't start") from error
            if not service.inited:
                raise EngineError(
                    _NOT_INITIALIZED, f"the service didn't start, though it answered {code}"
                )
            self._service, self._app_id = service, app_id
        elif self._app_id != app_id:
            raise JoinError(
                "This process is in channels of another Agora app id, and the SDK serves one at a "
                "time: leave those first, or use another process."
            )
        self._connections += 1
        return self._service

    def _give_back(self) -> None:
        self._connections -= 1
        if self._connections == 0:
            service, self._service = self._service, None
            service.release()


def _release(service: Any) -> None:
    """Frees a service that started in part; one that didn't start, the SDK doesn't free."""
    if service.inited:
        service.release()


def _configs(sdk: SDK) -> tuple[Any, Any]:
    """A host (only hosts may send) who subscribes to no sound and picture before it is asked to.

    The track for its own sound is made with the connection, and published when that is asked for.

    Another scenario than the default AI_SERVER, which has the SDK call itself from its callbacks.
    """
    base = sdk.base
    connection = base.RTCConnConfig(
        auto_subscribe_audio=0,
        auto_subscribe_video=0,
        client_role_type=base.ClientRoleType.CLIENT_ROLE_BROADCASTER,
        channel_profile=base.ChannelProfileType.CHANNEL_PROFILE_LIVE_BROADCASTING,
    )
    publishing = base.RtcConnectionPublishConfig(
        audio_scenario=base.AudioScenarioType.AUDIO_SCENARIO_DEFAULT,
        is_publish_audio=True,
        is_publish_video=False,
    )
    return connection, publishing


def _check(code: int) -> None:
    if code != 0:
        raise EngineError(code)


#: The process's.
SERVICE: Final = SharedService()
