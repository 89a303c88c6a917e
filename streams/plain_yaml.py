"""YAML as people write it, from bytes that anybody may have written.

PyYAML's safe loader runs no code, but a few lines of aliases can unfold to more than any memory
holds, and a tag on a value of another kind raises whatever the constructor happened to stumble on.
"""

from typing import Any, Final

import yaml

__all__ = ["PlainYaml", "YamlFaultError", "brief"]

MAX_CHARACTERS: Final = 1_048_576
MAX_NODES: Final = 50_000
"""Values in a document with every alias written out: some 5,000 queues."""
MAX_SCALAR: Final = 2_000
"""Characters of one value; longer integers could not even be shown."""
MAX_DEPTH: Final = 40
_SHOWN: Final = 60
_LONGEST: Final = 300
_TOO_MANY: Final = f"with its aliases it has more than {MAX_NODES} values"


class YamlFaultError(ValueError):
    """The text is no YAML that can be meant; `line` (from 1) says where, None: unknown."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(" ".join(problem[:_LONGEST].split()))
        self.line = line


class _Loader(yaml.SafeLoader):
    """Gives up early: what scanning costs grows with the depth of brackets."""

    _depth = 0
    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH:
            raise YamlFaultError("it is nested too deeply", self.line + 1)
        if self._nodes > MAX_NODES:
            raise YamlFaultError(_TOO_MANY, self.line + 1)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class PlainYaml:
    """One document: `root` is its tree with lines (None: empty), `values()` what it says.

    Raises:
        YamlFaultError: no YAML, or it unfolds to more than `MAX_NODES` values.
    """

    def __init__(self, raw: bytes | str) -> None:
        if len(raw) > MAX_CHARACTERS:
            raise YamlFaultError(f"it has more than {MAX_CHARACTERS} characters")
        try:
            self.root = yaml.compose(raw, Loader=_Loader)
            _unfolded(self.root, {})
        except YamlFaultError:
            raise
        except yaml.YAMLError as error:
            raise _fault(error) from None
        except Exception as error:
            # An escaped character beyond all characters, or nesting without end.
            raise YamlFaultError(_why(error)) from None

    def values(self) -> Any:
        """Return the document as dicts, lists and scalars; call once.

        Raises:
            YamlFaultError: a value is not what its tag says, or a key is no scalar.
        """
        if self.root is None:
            return None
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_document(self.root)
        except yaml.YAMLError as error:
            raise _fault(error) from None
        except Exception as error:
            # A tag may be put before anything: `!!float ""`, `!!bool x`, `!!timestamp x`.
            raise YamlFaultError(f"a value is not what it is said to be ({_why(error)})") from None
        finally:
            loader.dispose()


def brief(value: object) -> str:
    """Return `value` as it is shown to people: what unfolds or goes on is not."""
    if isinstance(value, dict | list | tuple | set):
        kinds = {dict: "keys with values", list: "a list"}
        return kinds.get(type(value), "several values")
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _unfolded(node: yaml.Node | None, known: dict[int, int | None]) -> int:
    """Return how many values `node` has with every alias in it written out."""
    if node is None:
        return 0
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node.value, line)
        return 1
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise YamlFaultError("an alias stands inside of what it repeats", line)
        return size
    known[id(node)] = None
    size = 1 + sum(_unfolded(child, known) for child in _children(node))
    if size > MAX_NODES:
        raise YamlFaultError(_TOO_MANY, line)
    known[id(node)] = size
    return size


def _check_scalar(text: str, line: int) -> None:
    if len(text) > MAX_SCALAR:
        raise YamlFaultError(f"a value has more than {MAX_SCALAR} characters", line)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise YamlFaultError("a value holds half a character (a lone surrogate)", line) from None


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value)


def _fault(error: yaml.YAMLError) -> YamlFaultError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return YamlFaultError(problem, mark.line + 1 if mark is not None else None)


def _why(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
