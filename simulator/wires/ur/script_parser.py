"""URScript to the syntax tree of a Python generator: every wait of the script becomes a `yield from`.

Names of the script get a prefix, so that they meet nothing of Python's: `v_` for variables, `f_` for functions; the
controller's own functions are attributes of `words`. Lines keep their numbers, so that a fault names the script's.
A nested function sees and changes the program's own variables, as on the controller.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from simulator.wires.ur.script_errors import ScriptError
from simulator.wires.ur.script_expressions import Expressions, named
from simulator.wires.ur.script_lexer import Token, lines_of

ENDS = {"end", "else", "elif"}


@dataclass(slots=True)
class Scope:
    """What is known while one function is read."""

    name: str
    locals: set[str] = field(default_factory=set)
    """Declared here with `local`, or a parameter."""
    assigned: set[str] = field(default_factory=set)
    """Given a value here without a word before it."""
    globals: set[str] = field(default_factory=set)
    """Declared here with `global`."""


def compile_script(script: str, words: Mapping[str, bool]) -> tuple[str, ast.Module]:
    """The program's name and a module that defines `f_<name>`; `words` says which of them wait. ScriptError."""
    return _Parser(lines_of(script), words).program()


class _Parser:
    def __init__(self, lines: list[list[Token]], words: Mapping[str, bool]) -> None:
        self._lines = lines
        self._at = 0
        self._functions = {line[1].text for line in lines if line[0].text == "def" and len(line) > 1}
        self._words = words
        self._scopes: list[Scope] = []
        self._nested: list[ast.stmt] = []
        self._bodies: list[tuple[ast.FunctionDef, Scope]] = []

    def program(self) -> tuple[str, ast.Module]:
        """The first function is the program; a call of it that follows is what the controller does anyway."""
        if not self._lines or self._lines[0][0].text != "def":
            raise ScriptError("a program begins with def")
        main = self._function()
        name = main.name.removeprefix("f_")
        for line in self._lines[self._at :]:
            if [token.text for token in line] != [name, "(", ")"]:
                raise ScriptError("something follows the program's end", line[0].line)
        self._declare_globals()
        return name, _located(ast.Module([*self._nested, main], []))

    def _declare_globals(self) -> None:
        main = self._bodies[-1][1]
        main.globals |= main.locals
        main.locals.clear()
        shared = set().union(*(scope.globals for _, scope in self._bodies)) | main.assigned
        for function, scope in self._bodies:
            own = sorted((shared & (scope.assigned | scope.globals)) - scope.locals)
            if own:
                function.body.insert(0, ast.Global([named(name) for name in own]))

    # ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _function(self) -> ast.FunctionDef:
        line = self._take()
        words = self._expressions(line[1:])
        name, parameters = words.signature()
        scope = Scope(name, locals=set(parameters))
        self._scopes.append(scope)
        body = self._block({"end"})
        self._take()
        self._scopes.pop()
        # a function that never waits is a generator all the same, so that every call looks alike
        never = ast.If(ast.Constant(value=False), [ast.Expr(ast.Yield())], [])
        arguments = ast.arguments([], [ast.arg(named(each)) for each in parameters], None, [], [], None, [])
        made = ast.FunctionDef(f"f_{name}", arguments, [never, *body], [], lineno=line[0].line, col_offset=0)
        self._bodies.append((made, scope))
        if self._scopes:
            self._nested.append(made)
        return made

    def _block(self, ends: Collection[str]) -> list[ast.stmt]:
        body: list[ast.stmt] = []
        while True:
            if self._at >= len(self._lines):
                raise ScriptError(f"{self._scopes[-1].name} is never closed: an end is missing")
            first = self._lines[self._at][0]
            if first.text in ends:
                return body or [ast.Pass()]
            if first.text in ENDS:
                raise ScriptError(f"{first.text} belongs to nothing", first.line)
            if first.text == "def":
                self._function()
            elif first.text == "thread":
                raise ScriptError("the simulator runs no threads", first.line)
            else:
                body.append(self._statement())

    def _statement(self) -> ast.stmt:
        line = self._take()
        first, rest = line[0], line[1:]
        simple = {"break": ast.Break, "continue": ast.Continue, "pass": ast.Pass}
        made: ast.stmt
        if first.text == "while":
            made = self._while(rest)
        elif first.text == "if":
            made = self._if(rest)
        elif first.text == "return":
            made = ast.Return(self._expressions(rest).whole() if rest else None)
        elif first.text in simple and not rest:
            made = simple[first.text]()
        elif first.text in {"global", "local"}:
            getattr(self._scopes[-1], f"{first.text}s").add(rest[0].text if rest else "")
            made = self._assignment(rest)
        elif any(token.text == "=" for token in self._outside_brackets(line)):
            made = self._assignment(line)
        else:
            made = ast.Expr(self._expressions(line).whole())
        made.lineno, made.col_offset = first.line, 0
        return made

    def _while(self, condition: list[Token]) -> ast.While:
        test = self._expressions(condition, colon=True).truth()
        turn = ast.Expr(ast.Call(ast.Attribute(ast.Name("words", ast.Load()), "turn", ast.Load()), [], []))
        body = self._block({"end"})
        self._take()
        return ast.While(test, [turn, *body], [])

    def _if(self, condition: list[Token]) -> ast.If:
        test = self._expressions(condition, colon=True).truth()
        body = self._block(ENDS)
        follows = self._take()
        if follows[0].text == "elif":
            other: list[ast.stmt] = [self._if(follows[1:])]
            return ast.If(test, body, other)
        if follows[0].text == "else":
            other = self._block({"end"})
            self._take()
            return ast.If(test, body, other)
        return ast.If(test, body, [])

    def _assignment(self, line: list[Token]) -> ast.Assign:
        at = next((n for n, token in enumerate(line) if token.text == "="), 0)
        if not at or line[0].kind != "name":
            raise ScriptError("a value is given to a name", line[0].line if line else None)
        target = self._expressions(line[:at]).whole()
        value = self._expressions(line[at + 1 :]).value()
        if isinstance(target, ast.Name):
            scope, name = self._scopes[-1], line[0].text
            if name not in scope.locals | scope.globals:
                scope.assigned.add(name)
            target.ctx = ast.Store()
        elif isinstance(target, ast.Subscript):
            target.ctx = ast.Store()
        else:
            raise ScriptError("only a name or a place of a list takes a value", line[0].line)
        return ast.Assign([target], value)

    @staticmethod
    def _outside_brackets(line: list[Token]) -> list[Token]:
        depth, found = 0, []
        for token in line:
            depth += (token.text in {"(", "[", "p["}) - (token.text in {")", "]"})
            if depth == 0:
                found.append(token)
        return found

    def _expressions(self, tokens: list[Token], *, colon: bool = False) -> Expressions:
        if colon:
            if not tokens or tokens[-1].text != ":":
                raise ScriptError("a colon is missing at the line's end", tokens[-1].line if tokens else None)
            tokens = tokens[:-1]
        return Expressions(tokens, self._functions, self._words)

    def _take(self) -> list[Token]:
        if self._at >= len(self._lines):
            raise ScriptError("the script ends in the middle")
        self._at += 1
        return self._lines[self._at - 1]


def _located(module: ast.Module) -> ast.Module:
    """Every node on the line of the script it came from, or of what holds it."""
    for node in ast.walk(module):
        if isinstance(node, (ast.stmt, ast.expr)) and hasattr(node, "lineno"):
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return ast.fix_missing_locations(module)
