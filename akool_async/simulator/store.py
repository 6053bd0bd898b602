"""What the simulated account holds besides sessions: avatars, voices, knowledge bases."""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from akool_async.models.avatar import OFFICIAL_AVATARS
from akool_async.simulator import catalogue
from akool_async.simulator.checks import Refusal
from akool_async.simulator.clock import Clock

__all__ = ["TEAM_ID", "UID", "Store", "new_id"]

#: The account that all keys belong to.
UID: Final = 100010
TEAM_ID: Final = "66bca9f1cd053926b2e70000"


def new_id() -> str:
    """An id as the service makes them: 24 hexadecimal digits, the first eight the second of now."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


class Store:
    """Records as the service keeps them; uploads become ready as the clock goes on.

    Args:
        clock: the simulator's.
        upload_time: seconds from an upload's creation until it is ready; half of it is spent in
            each of the statuses 1 and 2.
    """

    def __init__(self, clock: Clock, *, upload_time: float) -> None:
        self._clock = clock
        self._upload_time = upload_time
        #: Everything that `avatar/list` knows, uploads last.
        self.avatars: list[dict[str, Any]] = catalogue.official_avatars()
        self.voices: list[dict[str, Any]] = catalogue.voices()
        #: The user's own, in the order they were made, and the system's.
        self.knowledge: list[dict[str, Any]] = [catalogue.system_knowledge()]
        self._uploaded_at: dict[str, float] = {}
        self._cloned_at: dict[str, float] = {}
        self._failed: set[str] = set()
        self._in_v4: set[str] = set(OFFICIAL_AVATARS)

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the service writes times."""
        return int(self._clock.unix() * 1000)

    # -- avatars

    def add_avatar(self, **fields: Any) -> dict[str, Any]:
        """Adds an official streaming avatar that v4 sessions can have; `fields` over defaults."""
        record = catalogue.official_avatars()[0] | {
            "_id": new_id(),
            "sort": len(self.avatars) + 1,
            "create_time": self.now_ms(),
            **fields,
        }
        self.avatars.append(record)
        self._in_v4.add(record["avatar_id"])
        return record

    def upload_avatar(self, avatar_id: str, name: str, url: str) -> dict[str, Any]:
        """Adds one of the user's own.

        Raises:
            Refusal: the id is taken (1222).
        """
        if any(record["avatar_id"] == avatar_id for record in self.avatars):
            raise Refusal(1222, "avatar_id already exists")
        record = {
            "_id": new_id(),
            "uid": UID,
            "type": 2,
            "from": 3,
            "avatar_id": avatar_id,
            "name": name,
            "url": url,
            "modify_url": url,
            "thumbnailUrl": "https://static.website-files.org/assets/avatar/thumbnail/new.webp",
            "disabled": False,
            "sort": len(self.avatars) + 1,
            "create_time": self.now_ms(),
            "crop_arr": [],
        }
        self.avatars.append(record)
        self._in_v4.add(avatar_id)
        self._uploaded_at[avatar_id] = self._clock.now()
        return record

    def fail_upload(self, avatar_id: str) -> None:
        """Makes an upload end with status 4."""
        self._failed.add(avatar_id)

    def status(self, record: dict[str, Any]) -> int:
        """1 queueing, 2 processing, 3 ready, 4 failed: now."""
        avatar_id = record["avatar_id"]
        uploaded = self._uploaded_at.get(avatar_id)
        failed = avatar_id in self._failed
        if uploaded is None and not failed:
            return int(record.get("status", 3))
        return self._progress(uploaded or 0.0, failed=failed)

    def _progress(self, began: float, *, failed: bool) -> int:
        if failed:
            return 4
        age = self._clock.now() - began
        if age >= self._upload_time:
            return 3
        return 2 if age >= self._upload_time / 2 else 1

    def is_upload(self, record: dict[str, Any]) -> bool:
        """Whether the user uploaded it."""
        return int(record["from"]) != 2

    def v4_avatars(self) -> list[dict[str, Any]]:
        """Those that the v4 list shows and v4 sessions take."""
        return [record for record in self.avatars if record["avatar_id"] in self._in_v4]

    def find_avatar(self, avatar_id: str) -> dict[str, Any] | None:
        """By `avatar_id`."""
        return next((r for r in self.avatars if r["avatar_id"] == avatar_id), None)

    # -- voices

    def add_voice(self, **fields: Any) -> dict[str, Any]:
        """Adds a voice; `fields` over the first voice's."""
        record = catalogue.voices()[0] | {"_id": new_id(), "voice_id": new_id()[:20], **fields}
        self.voices.append(record)
        return record

    def clone_voice(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Adds one of the user's, which becomes ready as an upload does; its object."""
        now = self.now_ms()
        made = {"uid": UID, "type": 1, "create_time": now, "update_time": now}
        record = self.add_voice(**made, **fields)
        self._cloned_at[record["_id"]] = self._clock.now()
        return self.voice(record["_id"])

    def voice(self, record_id: str) -> dict[str, Any]:
        """The object of a voice as it is now.

        Raises:
            Refusal: there is none of that id (1008).
        """
        for record in self.voices:
            if record["_id"] == record_id:
                return self.voice_object(record)
        raise Refusal(1008, "the content you get does not exist")

    def voice_object(self, record: dict[str, Any]) -> dict[str, Any]:
        """As the service answers it: without an id and a preview until it is ready."""
        answer = {name: value for name, value in record.items() if name != "type"}
        cloned = self._cloned_at.get(record["_id"])
        if cloned is not None:
            answer["status"] = self._progress(cloned, failed=record["_id"] in self._failed)
        if answer["status"] != 3:
            answer |= {"voice_id": None, "preview": None}
        return answer

    def fail_voice(self, record_id: str) -> None:
        """Makes cloning a voice end with status 4."""
        self._failed.add(record_id)

    def remove_voices(self, record_ids: list[str]) -> None:
        """Deletes voices of the user's, all or none.

        Raises:
            Refusal: one of them isn't there or isn't the user's (1008).
        """
        own = {record["_id"] for record in self.voices if record["type"] == 1}
        if not own.issuperset(record_ids):
            raise Refusal(1008, "the content you get does not exist")
        self.voices = [record for record in self.voices if record["_id"] not in record_ids]

    # -- knowledge bases

    def add_knowledge(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Adds one of the user's.

        Raises:
            Refusal: the name is taken (1233).
        """
        self._check_name(fields.get("name"), but=None)
        now = self.now_ms()
        record = {
            "_id": new_id(),
            "team_id": TEAM_ID,
            "uid": UID,
            "user_type": 2,
            "from": 2,
            **fields,
            "create_time": now,
            "update_time": now,
        }
        self.knowledge.append(record)
        return record

    def change_knowledge(self, knowledge_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Changes one of the user's.

        Raises:
            Refusal: there is none (1232), it is the system's (1009), the name is taken (1233).
        """
        record = self._own_knowledge(knowledge_id)
        self._check_name(fields.get("name"), but=knowledge_id)
        record.update(fields)
        record["update_time"] = max(self.now_ms(), record["update_time"] + 1)
        return record

    def remove_knowledge(self, knowledge_id: str) -> None:
        """Removes one of the user's; raises as `change_knowledge` does."""
        self.knowledge.remove(self._own_knowledge(knowledge_id))

    def find_knowledge(self, knowledge_id: str) -> dict[str, Any]:
        """By `_id`.

        Raises:
            Refusal: there is none (1232).
        """
        for record in self.knowledge:
            if record["_id"] == knowledge_id:
                return record
        raise Refusal(1232, "the knowledge base does not exist")

    def _own_knowledge(self, knowledge_id: str) -> dict[str, Any]:
        record = self.find_knowledge(knowledge_id)
        if record["from"] == 1:
            raise Refusal(1009, "you do not have permission to operate")
        return record

    def _check_name(self, name: str | None, *, but: str | None) -> None:
        if name and any(r.get("name") == name and r["_id"] != but for r in self.knowledge):
            raise Refusal(1233, "name already exists")
