"""JSON Schemas and the AsyncAPI document: written from the types, checked for drift.

Not needed at run time: what a worker accepts is decided by the types themselves.
"""

from streams.schemas.compatibility import check_compatibility
from streams.schemas.files import check_schemas, write_schemas

__all__ = ["check_compatibility", "check_schemas", "write_schemas"]
