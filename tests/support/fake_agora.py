"""A stand-in for `agora-python-server-sdk` 2.4.10: its names, its signatures, and its defects.

The SDK's installation calls home for native code, so tests don't install it. Here are the few dozen
names that the engine uses; `transports/agora/tests/test_sdk_source.py` compares them with the SDK's
source where that is at hand. What the SDK does wrong is done wrong here as well, and what it
doesn't bear is written down in `sdk.violations`.
"""

from __future__ import annotations

import functools
import queue
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fake_agora_types import (  # noqa: F401 - some are only here to be imported by the SDK's names
    AgoraServiceConfig,
    AudioScenarioType,
    ChannelProfileType,
    ClientRoleType,
    IAudioFrameObserver,
    IRTCConnectionObserver,
    IRTCLocalUserObserver,
    RTCConnConfig,
    RtcConnectionPublishConfig,
    RTCConnInfo,
)

#: Module of the SDK -> the names in it that are stood in for.
MODULES = {
    "agora.rtc.agora_base": [
        "AgoraServiceConfig",
        "AudioScenarioType",
        "ChannelProfileType",
        "ClientRoleType",
        "RTCConnConfig",
        "RTCConnInfo",
        "RtcConnectionPublishConfig",
    ],
    "agora.rtc.agora_service": ["AgoraService"],
    "agora.rtc.audio_frame_observer": ["IAudioFrameObserver"],
    "agora.rtc.local_user": ["LocalUser"],
    "agora.rtc.local_user_observer": ["IRTCLocalUserObserver"],
    "agora.rtc.rtc_connection": ["RTCConnection"],
    "agora.rtc.rtc_connection_observer": ["IRTCConnectionObserver"],
}


class Sdk:
    """What the stand-in is asked to do, and what was done with it."""

    def __init__(self) -> None:
        self.import_error: BaseException | None = None
        self.imported_on: threading.Thread | None = None
        self.initialize_fails = False
        self.initialize_breaks = False
        self.inited_before_it_breaks = False
        self.no_connection = False
        self.no_stream = False
        self.register_answer = 0
        self.connect_answer = 0
        self.send_answer = 0
        self.renew_answer = 0
        self.audio_answer = 0
        self.publish_answer = 0
        self.connect_reason: int | None = 1
        self.hangs_on_connect = threading.Event()
        self.hangs_on_connect.set()
        self.says_goodbye = True
        self.violations: list[str] = []
        self.vanished: list[BaseException] = []
        self.services: list[AgoraService] = []
        self.connections: list[RTCConnection] = []
        self.tokens: list[str] = []
        self.native: set[threading.Thread] = set()
        self.busy: str | None = None

    @property
    def connection(self) -> RTCConnection:
        return self.connections[-1]


sdk = Sdk()


def importing() -> None:
    """What happens at the top of the SDK's `agora/__init__.py`."""
    ssl._create_default_https_context = ssl._create_unverified_context
    sdk.imported_on = threading.current_thread()
    if sdk.import_error is not None:
        raise sdk.import_error


@contextmanager
def installed(folder: Path) -> Iterator[Sdk]:
    """The SDK as a package that can be found and imported."""
    global sdk
    rtc = folder / "agora" / "rtc"
    rtc.mkdir(parents=True)
    (folder / "agora" / "__init__.py").write_text("import fake_agora as s\ns.importing()\n")
    (rtc / "__init__.py").write_text("")
    for module, names in MODULES.items():
        name = module.rpartition(".")[2]
        (rtc / f"{name}.py").write_text(f"from fake_agora import {', '.join(names)}\n")
    context = ssl._create_default_https_context
    sdk = Sdk()
    sys.path.insert(0, str(folder))
    try:
        yield sdk
    finally:
        sys.path.remove(str(folder))
        for module in [name for name in sys.modules if name.partition(".")[0] == "agora"]:
            del sys.modules[module]
        ssl._create_default_https_context = context
        for connection in sdk.connections:
            connection.stop()


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """A call into the SDK: not from its own threads, and one at a time."""

    @functools.wraps(method)
    def call(self: Any, *args: Any) -> Any:
        if threading.current_thread() in sdk.native:
            sdk.violations.append(f"{method.__name__} called in a callback")
        if sdk.busy is not None:
            sdk.violations.append(f"{method.__name__} called during {sdk.busy}")
        sdk.busy = method.__name__
        try:
            return method(self, *args)
        finally:
            sdk.busy = None

    return call


class LocalUser:
    """What a connection's user was asked for."""

    subscribed: set[str]
    forms: list[tuple[int, int]]

    @api
    def subscribe_audio(self, user_id):
        self.subscribed.add(user_id)
        return sdk.audio_answer

    @api
    def unsubscribe_audio(self, user_id):
        self.subscribed.discard(user_id)
        return 0

    @api
    def set_playback_audio_frame_before_mixing_parameters(self, channels, sample_rate_hz):
        self.forms.append((sample_rate_hz, channels))
        return 0


class AgoraService:
    def __init__(self) -> None:
        self.inited = False
        self.released = False
        if any(not service.released for service in sdk.services):
            sdk.violations.append("a second service")
        sdk.services.append(self)

    @api
    def initialize(self, config):
        assert config.appid
        self.appid = config.appid
        if config.audio_scenario == AudioScenarioType.AUDIO_SCENARIO_AI_SERVER:
            sdk.violations.append("AI_SERVER calls the SDK from its callbacks")
        if sdk.initialize_breaks:
            self.inited = sdk.inited_before_it_breaks
            self.released = not self.inited  # its release() would do nothing
            raise AttributeError("'NoneType' object has no attribute 'set_int'")
        self.inited = not sdk.initialize_fails
        if sdk.initialize_fails:
            self.released = True  # its release() would do nothing
        return 0  # the code of the last step, whatever the first one said

    @api
    def release(self):
        if any(not connection.released for connection in sdk.connections):
            sdk.violations.append("the service released before a connection")
        if self.released:
            sdk.violations.append("the service released twice")
        self.released = True

    @api
    def create_rtc_connection(self, con_config, publish_config):
        if not self.inited:
            return None
        return RTCConnection(self, con_config, publish_config)


class RTCConnection:
    def __init__(self, service, conn_config, publish_config) -> None:
        self.conn_handle = None if sdk.no_connection else 4711
        self.released = False
        self.disconnected = False
        self.sent: list[bytes] = []
        self.joined: tuple[str, str, str] | None = None
        self._observer: IRTCConnectionObserver | None = None
        self._user_observer: IRTCLocalUserObserver | None = None
        self._audio_observer: IAudioFrameObserver | None = None
        self._can_publish = publish_config.is_publish_audio
        self.published = False
        self.interrupted = 0
        self.pushed: list[tuple[bytes, int, int]] = []
        self.local_user = LocalUser()
        self.local_user.subscribed, self.local_user.forms = set(), []
        if self.conn_handle is None:
            return
        if publish_config.audio_scenario == AudioScenarioType.AUDIO_SCENARIO_AI_SERVER:
            sdk.violations.append("AI_SERVER calls the SDK from its callbacks")
        if conn_config.client_role_type != ClientRoleType.CLIENT_ROLE_BROADCASTER:
            sdk.violations.append("only a broadcaster may send")
        self._data_stream_id = None if sdk.no_stream else 1
        self._calls: queue.Queue[tuple[Callable[..., None], tuple[Any, ...]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="agora native")
        sdk.native.add(self._thread)
        sdk.connections.append(self)
        self._thread.start()

    # The SDK's names.

    @api
    def connect(self, token, chan_id, user_id):
        assert all(isinstance(value, str) for value in (token, chan_id, user_id))
        sdk.hangs_on_connect.wait()
        self.joined = (token, chan_id, user_id)
        if sdk.connect_answer == 0:
            if sdk.connect_reason == 1:
                self.emit("on_connected", self._info(), 1)
            elif sdk.connect_reason is not None:
                self.emit("on_connection_failure", self._info(), sdk.connect_reason)
        return sdk.connect_answer

    @api
    def disconnect(self):
        self.disconnected = True
        self._user_observer = self._audio_observer = None
        self.published = False
        if sdk.says_goodbye:
            self.emit("on_disconnected", self._info(), 5)
        return 0

    @api
    def renew_token(self, token):
        sdk.tokens.append(token)
        return sdk.renew_answer

    @api
    def register_observer(self, conn_observer):
        self._observer = conn_observer
        return sdk.register_answer

    @api
    def register_local_user_observer(self, observer):
        self._user_observer = observer
        return sdk.register_answer

    def get_local_user(self):
        return self.local_user

    @api
    def register_audio_frame_observer(self, observer, enable_vad, vad_configure):
        if self._audio_observer is not None:
            raise AttributeError("'LocalUser' object has no 'unregister_audio_frame_observer'")
        self._audio_observer = observer
        return 0

    @api
    def publish_audio(self):
        if sdk.publish_answer or not self._can_publish:
            return sdk.publish_answer or -1000
        self.published = True
        return 0

    @api
    def unpublish_audio(self):
        self.published = False
        return 0

    @api
    def interrupt_audio(self):
        self.interrupted += 1
        return 0

    def push_audio_pcm_data(self, data, sample_rate, channels, start_pts=0):
        if self.released:
            sdk.violations.append("sound for a released connection")
        if not isinstance(data, bytearray):
            raise TypeError("underlying buffer is not writable")  # ctypes' from_buffer
        if len(data) % ((sample_rate / 1000) * 2 * channels):
            return -1002
        self.pushed.append((bytes(data), sample_rate, channels))
        return 0

    def send_stream_message(self, data):
        if threading.current_thread() in sdk.native:
            sdk.violations.append("send_stream_message called in a callback")
        if self.released:
            sdk.violations.append("sent on a released connection")
        length = len(data)
        if length == 0:
            return 0
        if isinstance(data, str):
            data = data.encode()[:length]
        if sdk.send_answer == 0:
            self.sent.append(bytes(data))
        return sdk.send_answer

    @api
    def release(self):
        if self.released:
            sdk.violations.append("a connection released twice")
        if sdk.connect_answer == 0 and self.joined is not None and not self.disconnected:
            sdk.violations.append("a connection released without disconnect()")
        self.released = True
        self.stop()

    # What happens in the channel.

    def emit(self, name: str, *args: Any) -> None:
        """Calls the connection observer, on a native thread."""
        self._calls.put((self._call, (name, *args)))

    def emit_to_user(self, name: str, *args: Any) -> None:
        """Calls the local user's observer, on a native thread."""
        self._calls.put((self._call_user, (name, *args)))

    def message(self, uid: str, payload: bytes) -> None:
        """A stream message arrives: its payload is taken for a C string."""
        self._calls.put((self._message, (uid, payload)))

    def sound(self, uid: str, frame: object) -> None:
        """A piece of a user's sound arrives."""
        self._calls.put((self._sound, (uid, frame)))

    def idle(self) -> None:
        """Returns when everything emitted so far was delivered."""
        done = threading.Event()
        self._calls.put((done.set, ()))
        assert done.wait(10)

    def stop(self) -> None:
        if self.conn_handle is not None and self._thread.is_alive():
            self._calls.put(None)
            self._thread.join(10)

    def _info(self) -> RTCConnInfo:
        return RTCConnInfo(id=1, channel_id="c", state=3, local_user_id="1", internal_uid=1)

    def _call(self, name: str, *args: Any) -> None:
        if self._observer is not None:
            getattr(self._observer, name)(self, *args)

    def _call_user(self, name: str, *args: Any) -> None:
        if self._user_observer is not None:
            getattr(self._user_observer, name)(object(), *args)

    def _message(self, uid: str, payload: bytes) -> None:
        if self._user_observer is None:
            return
        text, nul, rest = payload.partition(b"\0")
        data = text + nul + b"\xfe" * len(rest)  # what happens to lie behind the NUL
        self._user_observer.on_stream_message(object(), uid, 1, data, len(payload))

    def _sound(self, uid: str, frame: object) -> None:
        if self._audio_observer is not None:
            self._audio_observer.on_playback_audio_frame_before_mixing(
                self.local_user, "c", uid, frame, -1, None
            )

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            call, args = item
            try:
                call(*args)
            except BaseException as error:  # noqa: BLE001 - ctypes prints it, and goes on
                sdk.vanished.append(error)
