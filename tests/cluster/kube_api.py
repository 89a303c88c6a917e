"""The Kubernetes API as it stands: JSON over HTTPS."""

import http.client
import json
import ssl
import urllib.parse
from pathlib import Path
from typing import Any, Final

__all__ = ["ApiError", "KubeApi", "path_of"]

TIMEOUT_SECONDS: Final = 60
NOT_FOUND: Final = 404
_TYPES: Final = {
    "PATCH": "application/merge-patch+json",
    "APPLY": "application/apply-patch+yaml",
}


class ApiError(RuntimeError):
    """The API server refuses; `code` is the HTTP status, the text is its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class KubeApi:
    """One user's view; every call is a connection of its own."""

    def __init__(self, url: str, authority: Path, token: str) -> None:
        self._address = url.removeprefix("https://")
        self._context = ssl.create_default_context(cafile=str(authority))
        self._token = token

    def get(self, path: str, **query: str) -> Any:
        """Return the object at `path`; None if there is none.

        Raises:
            ApiError: refused.
            OSError: nobody answers.
        """
        try:
            return self._ask("GET", path, None, query)
        except ApiError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the objects in the list at `path`. Raises: as `get`."""
        found = self.get(path, **query)
        return list(found["items"]) if found is not None else []

    def post(self, path: str, what: Any, **query: str) -> Any:
        """Create an object. Raises: as `get`."""
        return self._ask("POST", path, what, query)

    def patch(self, path: str, what: Any, **query: str) -> Any:
        """Merge `what` into an object. Raises: as `get`."""
        return self._ask("PATCH", path, what, query)

    def apply(self, path: str, what: Any) -> Any:
        """Have `what` hold on the server, whether it is there or not. Raises: as `get`."""
        return self._ask("APPLY", path, what, {"fieldManager": "tests", "force": "true"})

    def delete(self, path: str, **options: Any) -> Any:
        """Delete an object, or a whole list of them. Raises: as `get`."""
        return self._ask("DELETE", path, options or None, {})

    def _ask(self, verb: str, path: str, what: Any, query: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        headers["Content-Type"] = _TYPES.get(verb, "application/json")
        asked = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        body = None if what is None else json.dumps(what)
        method = "PATCH" if verb == "APPLY" else verb
        status, text = self._exchange(method, asked, body, headers)
        if status >= http.client.BAD_REQUEST:
            raise ApiError(status, _message(text))
        return json.loads(text) if text[:1] in ("{", "[") else text

    def _exchange(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(
            self._address, timeout=TIMEOUT_SECONDS, context=self._context
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return text


def path_of(version: str, plural: str, namespace: str | None = None, name: str = "") -> str:
    """Return the path of objects: `version` as in `apps/v1`; of all namespaces without one."""
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{plural}" + (f"/{name}" if name else "")
