"""What the compiled ledger is told about its classes; as written in Python it changes nothing."""

from typing import TYPE_CHECKING

__all__ = ["i64", "mypyc_attr", "u8"]

if TYPE_CHECKING:
    from mypy_extensions import i64, mypyc_attr, u8
else:
    i64 = int
    """A number that fits into eight bytes: large ones are multiplied many times as fast."""
    u8 = int
    """A small number, which takes one byte instead of eight."""

    def mypyc_attr(**_):
        """Return a decorator that leaves a class as it is.

        `acyclic` classes have no part in cycles of references: the collector neither looks at
        their objects nor keeps a header of 16 bytes for each.
        """
        return lambda cls: cls
