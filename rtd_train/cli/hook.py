"""Find a function by the name that is given on the command line."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from rtd_train.errors import UsageError

_HINT = "give MODULE:FUNCTION of a module that Python finds from here; it gets a backbone and a step, and returns a number"


def find_function(name: str) -> Callable[..., Any]:
    """Return the function `module:name`; modules are looked for in the current folder too.

    Raises:
        UsageError: there is no such module or function.
    """
    module, _, attribute = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"validate: {name!r} cannot be found ({error})", _HINT) from error
    if not callable(found):
        raise UsageError(f"validate: {name!r} is no function", _HINT)
    return found  # type: ignore[no-any-return]
