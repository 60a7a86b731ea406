"""Expressions of URScript as expressions of Python: the usual ladder of precedences, a rung a function."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from simulator.wires.ur.script_errors import ScriptError
from simulator.wires.ur.script_lexer import Token

COMPARE: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
SUM: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}
PRODUCT: dict[str, type[ast.operator]] = {"*": ast.Mult, "/": ast.Div, "%": ast.Mod}
CONSTANTS = {"True": True, "False": False}
KEYWORDS = {"def", "end", "while", "if", "elif", "else", "return", "break", "continue", "global", "local", "thread"}


def named(name: str) -> str:
    """What a variable of the script is called in Python."""
    return f"v_{name}"


def word(name: str) -> ast.expr:
    """One of the controller's own functions."""
    return ast.Attribute(ast.Name("words", ast.Load()), name, ast.Load())


class Expressions:
    """Reads the tokens of one line. Every call raises ScriptError at what it does not understand."""

    def __init__(self, tokens: list[Token], functions: Collection[str], words: Mapping[str, bool]) -> None:
        self._tokens = tokens
        self._at = 0
        self._functions = functions
        self._words = words

    def whole(self) -> ast.expr:
        """The whole line as one expression."""
        found = self._either()
        if self._next is not None:
            raise ScriptError(f"{self._next.text!r} is out of place", self._next.line)
        return found

    def value(self) -> ast.expr:
        """The whole line, to be kept: a list is copied, as on the controller."""
        found = self.whole()
        if isinstance(found, (ast.Name, ast.Subscript)):
            return ast.Call(word("copied"), [found], [])
        return found

    def truth(self) -> ast.expr:
        """The whole line as a condition."""
        return self._boolean(self.whole())

    def signature(self) -> tuple[str, list[str]]:
        """Name and parameters of `name(a, b):`."""
        name = self._name()
        self._expect("(")
        parameters = []
        while not self._eat(")"):
            parameters.append(self._name())
            if not self._eat(","):
                self._expect(")")
                break
        self._expect(":")
        return name, parameters

    # ── the ladder ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _either(self) -> ast.expr:
        found = self._both()
        while self._eat("or"):
            found = ast.BoolOp(ast.Or(), [self._boolean(found), self._boolean(self._both())])
        return found

    def _both(self) -> ast.expr:
        found = self._negation()
        while self._eat("and"):
            found = ast.BoolOp(ast.And(), [self._boolean(found), self._boolean(self._negation())])
        return found

    def _negation(self) -> ast.expr:
        if self._eat("not"):
            return ast.UnaryOp(ast.Not(), self._boolean(self._negation()))
        return self._comparison()

    def _comparison(self) -> ast.expr:
        found = self._sum()
        if self._next and self._next.text in COMPARE:
            operator = COMPARE[self._take().text]
            return ast.Compare(found, [operator()], [self._sum()])
        return found

    def _sum(self) -> ast.expr:
        found = self._product()
        while self._next and self._next.text in SUM:
            operator = SUM[self._take().text]
            found = ast.BinOp(found, operator(), self._product())
        return found

    def _product(self) -> ast.expr:
        found = self._sign()
        while self._next and self._next.text in PRODUCT:
            operator = PRODUCT[self._take().text]
            found = ast.BinOp(found, operator(), self._sign())
        return found

    def _sign(self) -> ast.expr:
        if self._eat("-"):
            return ast.UnaryOp(ast.USub(), self._sign())
        return self._place()

    def _place(self) -> ast.expr:
        found = self._atom()
        while self._eat("["):
            found = ast.Subscript(found, self._either(), ast.Load())
            self._expect("]")
        return found

    def _atom(self) -> ast.expr:
        token = self._take()
        if token.kind == "number":
            whole = token.text.isdigit() or token.text.startswith("0x")
            return ast.Constant(int(token.text, 0) if whole else float(token.text), lineno=token.line, col_offset=0)
        if token.kind == "text":
            return ast.Constant(token.text[1:-1])
        if token.text == "(":
            found = self._either()
            self._expect(")")
            return found
        if token.text == "[":
            return ast.List(self._items("]"), ast.Load())
        if token.text == "p[":
            return ast.Call(word("pose"), self._items("]"), [])
        if token.kind == "name" and token.text not in KEYWORDS:
            return self._named(token)
        raise ScriptError(f"{token.text!r} is out of place", token.line)

    def _named(self, token: Token) -> ast.expr:
        if token.text in CONSTANTS:
            return ast.Constant(CONSTANTS[token.text])
        if not self._eat("("):
            return ast.Name(named(token.text), ast.Load())
        positional, keywords = self._arguments()
        if token.text in self._functions:
            for keyword in keywords:
                keyword.arg = named(str(keyword.arg))
            call: ast.expr = ast.Call(ast.Name(f"f_{token.text}", ast.Load()), positional, keywords)
            return ast.YieldFrom(call)
        if token.text not in self._words:
            raise ScriptError(f"the simulator knows no function {token.text}", token.line)
        call = ast.Call(word(token.text), positional, keywords)
        return ast.YieldFrom(call) if self._words[token.text] else call

    def _arguments(self) -> tuple[list[ast.expr], list[ast.keyword]]:
        positional: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        while not self._eat(")"):
            if self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].text == "=":
                name = self._name()
                self._expect("=")
                keywords.append(ast.keyword(name, self._either()))
            else:
                positional.append(self._either())
            if not self._eat(","):
                self._expect(")")
                break
        return positional, keywords

    def _items(self, closing: str) -> list[ast.expr]:
        items: list[ast.expr] = []
        while not self._eat(closing):
            items.append(self._either())
            if not self._eat(","):
                self._expect(closing)
                break
        return items

    @staticmethod
    def _boolean(found: ast.expr) -> ast.expr:
        if isinstance(found, (ast.Compare, ast.BoolOp)) or (
            isinstance(found, ast.UnaryOp) and isinstance(found.op, ast.Not)
        ):
            return found
        return ast.Call(word("truth"), [found], [])

    # ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _next(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> Token:
        if self._next is None:
            raise ScriptError("the line ends too soon", self._tokens[-1].line if self._tokens else None)
        self._at += 1
        return self._tokens[self._at - 1]

    def _eat(self, text: str) -> bool:
        if self._next and self._next.kind != "text" and self._next.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._eat(text):
            raise ScriptError(f"{text!r} is missing", self._tokens[-1].line if self._tokens else None)

    def _name(self) -> str:
        token = self._take()
        if token.kind != "name":
            raise ScriptError(f"{token.text!r} is no name", token.line)
        return token.text
