"""Orders of the back door: what one is, and how its arguments are checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.errors import OperatorError

LARGEST = 10**9
"""No count, time or temperature of a device is larger; infinity and what is no number are not either."""

Facts = dict[str, Any]
Order = Callable[..., Facts | None]


@dataclass(frozen=True, slots=True)
class Switch:
    """One order of the back door."""

    name: str
    line: str
    run: Order
    parameters: Mapping[str, inspect.Parameter]

    def check(self, arguments: Mapping[str, object]) -> None:
        """OperatorError names a parameter that is unknown, missing or of another type."""
        if unknown := set(arguments) - set(self.parameters):
            raise OperatorError(f"{self.name} has no {', '.join(sorted(unknown))}: it takes {list(self.parameters)}")
        for name, parameter in self.parameters.items():
            self._check(name, parameter, arguments)

    def _check(self, name: str, parameter: inspect.Parameter, arguments: Mapping[str, object]) -> None:
        if name not in arguments:
            if parameter.default is parameter.empty:
                raise OperatorError(f"{self.name} needs {name}")
            return
        wanted = (int, float) if parameter.annotation is float else parameter.annotation
        value = arguments[name]
        if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
            raise OperatorError(f"{self.name}: {name} is {parameter.annotation.__name__}, not {value!r}")
        if isinstance(value, (int, float)) and not abs(value) <= LARGEST:
            raise OperatorError(f"{self.name}: {name} is a number up to {LARGEST}, not {value}")


class Switches(dict[str, Switch]):
    """Orders by name. The first parameter of each function is what it acts on, the others are its arguments."""

    def add(self, function: Order) -> Order:
        """Makes a function an order, its docstring the line of help: `lose_reply` becomes `lose-reply`."""
        name = function.__name__.replace("_", "-")
        parameters = dict(list(inspect.signature(function, eval_str=True).parameters.items())[1:])
        self[name] = Switch(name, inspect.getdoc(function) or "", function, parameters)
        return function

    def find(self, name: str) -> Switch:
        """OperatorError when there is none of that name."""
        if name not in self:
            raise OperatorError(f"no switch {name!r}: there are {', '.join(self)}")
        return self[name]
