"""Live conversations with AKOOL streaming avatars, for asyncio programs."""

from __future__ import annotations

__version__ = "0.1.0"
