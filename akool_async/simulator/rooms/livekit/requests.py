"""What the room answers to a participant's requests: publishing a track, changing its own entry.

Clients wait for these answers (10 and 5 s) and then fail, and pages that turn a microphone on are
common. So a track is let in, and its media is never asked for: the room carries data only.
"""

from __future__ import annotations

from dataclasses import replace

from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.simulator.rooms.livekit.hub import new_sid
from akool_async.simulator.rooms.livekit.tokens import Grants

__all__ = ["publish", "update"]

_Reason = rtc.RequestResponse.Reason


def publish(wanted: rtc.AddTrackRequest, grants: Grants) -> rtc.SignalResponse:
    """The answer to a participant that wants to publish a track: its id, or a refusal."""
    sources = grants.can_publish_sources
    source = pb.TrackSource.Name(wanted.source).lower()
    if not grants.can_publish or (sources and source not in sources):
        return rtc.SignalResponse(
            request_response=rtc.RequestResponse(
                reason=_Reason.NOT_ALLOWED,
                message="does not have permission to publish",
                add_track=wanted,
            )
        )
    track = pb.TrackInfo(
        sid=wanted.sid or new_sid("TR"),
        type=wanted.type,
        name=wanted.name,
        muted=wanted.muted,
        width=wanted.width,
        height=wanted.height,
        source=wanted.source,
        layers=wanted.layers,
        stream=wanted.stream,
        disable_red=wanted.disable_red,
    )
    return rtc.SignalResponse(
        track_published=rtc.TrackPublishedResponse(cid=wanted.cid, track=track)
    )


def update(
    wanted: rtc.UpdateParticipantMetadata, grants: Grants
) -> tuple[Grants | None, rtc.SignalResponse]:
    """Name, metadata and attributes after a change of one's own, and the answer to it.

    As on a livekit-server it takes a grant; without it: `None` and a refusal. An attribute that
    is set to nothing goes.
    """
    answer = rtc.RequestResponse(request_id=wanted.request_id, update_metadata=wanted)
    if not grants.can_update_own_metadata:
        answer.reason = _Reason.NOT_ALLOWED
        answer.message = "does not have permission to update own metadata"
        return None, rtc.SignalResponse(request_response=answer)
    attributes = {**grants.attributes, **wanted.attributes}
    changed = replace(
        grants,
        name=wanted.name or grants.name,
        metadata=wanted.metadata or grants.metadata,
        attributes={name: value for name, value in attributes.items() if value},
    )
    return changed, rtc.SignalResponse(request_response=answer)
