"""Process: what a component of the event engine is."""

from collections.abc import Generator
from typing import Any, TypeAlias

import simpy

Process: TypeAlias = Generator[simpy.Event, Any, None]
