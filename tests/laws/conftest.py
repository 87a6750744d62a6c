"""How laws are tried: always the same examples, so that a run can be repeated.

`HYPOTHESIS_PROFILE=explore pytest tests/laws` looks for counterexamples that nobody has seen yet.
"""

import os

from hypothesis import HealthCheck, settings

SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=SLOW_TO_DRAW,
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "1000")),
    suppress_health_check=SLOW_TO_DRAW,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
