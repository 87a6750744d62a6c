"""Plain values as YAML."""

import io
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML


def yaml_text(data: Mapping[str, Any], width: int = 4096) -> str:
    """Plain values as YAML, in lines of about a width."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # innermost lists and mappings on one line: a stage row stays a row
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated None by ruamel
    yaml.width = width
    text = io.StringIO()
    yaml.dump(dict(data), text)
    return text.getvalue()


def flow_text(data: Mapping[str, Any] | Sequence[Any]) -> str:
    """Plain values as YAML on one line: `{shares: {outputs: 0.5}}`."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated None by ruamel
    yaml.width = sys.maxsize
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue().strip()
