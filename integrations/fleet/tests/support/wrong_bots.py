"""A module whose fleet is set up wrongly."""

from __future__ import annotations

from akool_fleet import Fleet

fleet = Fleet(limit=0)
