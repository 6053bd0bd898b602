"""Sound and pictures: frames, and the media half of a transport.

A `akool_async.transport.Transport` that carries audio or video has a `MediaTransport` as its
property `media`. What is above it (readers, buffers, clock, files) knows no vendor.
"""

from akool_async.media.contract import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    EncodedSink,
    MediaCapabilities,
    MediaKind,
    MediaSubscription,
    MediaTransport,
    Picture,
    TrackInfo,
    VideoRequest,
    VideoSink,
    VideoWriter,
)
from akool_async.media.frames import AudioFrame, PixelFormat, VideoFrame
from akool_async.media.speech_audio import PlaybackReport, SpeechAudio, SpeechSegment

__all__ = [
    "AudioFrame",
    "AudioRequest",
    "AudioSink",
    "AudioWriter",
    "EncodedSink",
    "MediaCapabilities",
    "MediaKind",
    "MediaSubscription",
    "MediaTransport",
    "Picture",
    "PixelFormat",
    "PlaybackReport",
    "SpeechAudio",
    "SpeechSegment",
    "TrackInfo",
    "VideoFrame",
    "VideoRequest",
    "VideoSink",
    "VideoWriter",
]
