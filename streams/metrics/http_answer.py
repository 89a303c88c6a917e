"""An answer as HTTP/1.1 has it: one a connection."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

__all__ = ["HTML", "TEXT", "Answer", "line"]

TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
PIECE: Final = 64 * 1024
"""Bytes that are worth a system call of their own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets; `fields` beside those that every answer has."""

    status: HTTPStatus
    content_type: str
    body: Sequence[bytes]
    fields: Mapping[str, str] = field(default_factory=dict)

    def pieces(self, *, body: bool) -> Iterator[bytes]:
        """Yield the bytes to send, few of them small; without `body` the head alone."""
        waiting = [self._head()]
        size = 0
        for piece in self.body if body else ():
            waiting.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield b"".join(waiting)
                waiting, size = [], 0
        if waiting:
            yield b"".join(waiting)

    def _head(self) -> bytes:
        fields = {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Type": self.content_type,
            "Content-Length": str(sum(map(len, self.body))),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **self.fields,
        }
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def line(status: HTTPStatus, text: str, fields: Mapping[str, str] | None = None) -> Answer:
    """Return an answer of one line of text."""
    body = (" ".join(text.split()) + "\n").encode("utf-8", "replace")
    return Answer(status, TEXT, [body], fields or {})
