"""The file that a recording is written to."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from akool_async.errors import InvalidParameterError
from akool_async.media.recording.formats import check_free

__all__ = ["OutputFile"]

_MODE: Final = 0o666


class OutputFile:
    """A file of bytes, unbuffered: what was written survives the process.

    Args:
        path: where it is created.
        overwrite: whether it may take the place of a file that is there.

    Attributes:
        size: bytes so far.

    Raises:
        InvalidParameterError: it can't be created; the cause says why.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        how = os.O_TRUNC if overwrite else os.O_EXCL
        flags = os.O_WRONLY | os.O_CREAT | how | getattr(os, "O_BINARY", 0)
        check_free(path, overwrite=overwrite)
        try:
            self._file = os.fdopen(os.open(path, flags, _MODE), "wb", buffering=0)
        except OSError as error:
            raise InvalidParameterError(
                "path", f"{str(path)!r} can't be created: {error.strerror}"
            ) from error
        self.name = str(path)
        self.size = 0

    def write(self, data: bytes) -> int:
        """Writes all of it.

        Raises:
            OSError: the disk is full, for example.
        """
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.size = max(self.size, self._file.tell())
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As for any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As for any file."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Always: a header is completed at the end."""
        return True

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Closes it; twice is fine."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
