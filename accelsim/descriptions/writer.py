"""Plain values as YAML."""

import io
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.representer import SafeRepresenter

_PUNCTUATION = len("key: value, ") - len("keyvalue")


class _Representer(SafeRepresenter):
    """Writes a mapping on one line only where it fits there: sentences have a line each."""

    width = sys.maxsize

    def represent_mapping(self, tag: Any, mapping: Any, flow_style: bool | None = None) -> MappingNode:
        """The node of a mapping."""
        node: MappingNode = super().represent_mapping(tag, mapping, flow_style)
        if node.flow_style:
            scalars = [part.value for pair in node.value for part in pair if isinstance(part, ScalarNode)]
            length = sum(map(len, scalars)) + _PUNCTUATION * len(node.value)
            node.flow_style = length <= self.width
        return node


def yaml_text(data: Mapping[str, Any], width: int = 4096) -> str:
    """Plain values as YAML.

    Args:
        data: Of a file.
        width: About how long a line may be.

    Returns:
        Text; the innermost lists, and mappings that fit, on one line each, so that a stage row stays a row.

    Example:
        >>> print(yaml_text({"name": "tiny", "stages": [{"block": "conv", "kernel": 3}]}), end="")
        name: tiny
        stages:
        - {block: conv, kernel: 3}
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # innermost lists and mappings on one line: a stage row stays a row
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated None by ruamel
    yaml.width = width
    yaml.Representer = _Representer
    yaml.representer.width = width
    text = io.StringIO()
    yaml.dump(dict(data), text)
    return text.getvalue()


def flow_text(data: Mapping[str, Any] | Sequence[Any]) -> str:
    """Plain values as YAML on one line.

    Args:
        data: A mapping or a list.

    Returns:
        Text without the end of the line.

    Example:
        >>> flow_text({"shares": {"outputs": 0.5}})
        '{shares: {outputs: 0.5}}'
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated None by ruamel
    yaml.width = sys.maxsize
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue().strip()
