"""Says which mutant lives in this process, in the place of mutmut's switch, which asks the environment at every call.

mutmut writes a function, its original and its mutants beside each other, with a dictionary of them all. What the
dictionary calls the original is what a call runs, so a mutant lives once it stands there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
MutantDict = dict[str, Function]
"""The name mutmut's generated code imports."""

ORIGINAL = "_mutmut_orig"
_mutated: list[MutantDict] = []


def switched(variants: MutantDict) -> Callable[[Function], Function]:
    """Decorates a mutated function; its variants are filled in afterwards."""
    _mutated.append(variants)

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return variants[ORIGINAL](*args, **kwargs)

        return call

    return decorate


def live(mutant: str) -> None:
    """From here on calls run this mutant, such as `safety.rules.x_judge__mutmut_3`; KeyError when there is none."""
    module, _, name = mutant.rpartition(".")
    for variants in _mutated:
        if name in variants and variants[name].__module__ == module:
            variants[ORIGINAL] = variants[name]
            return
    raise KeyError(mutant)
