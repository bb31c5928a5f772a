# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Mutants of Python code, by rule, from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mutant import Mutant, made

COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
SIGNS = {ast.Add: ("+", "-"), ast.Sub: ("-", "+")}
# What people read, and what only types need
SILENT = {"__all__", "__slots__", "TYPE_CHECKING"}


class Rules(ast.NodeVisitor):
    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.found: list[Mutant] = []
        self.names: list[str] = []
        self.starts = [0]
        for line in text.encode().splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.raw = text.encode()

    def place(self, line: int, column: int) -> int:
        """ast counts bytes."""
        return len(self.raw[: self.starts[line - 1] + column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.place(node.lineno, node.col_offset),
            self.place(node.end_lineno, node.end_col_offset),
        )

    def source(self, node: ast.AST) -> str:
        start, stop = self.span(node)
        return self.text[start:stop]

    def add(self, rule: str, start: int, stop: int, new: str) -> None:
        where = ".".join(self.names)
        self.found.append(made(self.path, self.text, where, rule, start, stop, new))

    def replace(self, rule: str, node: ast.AST, new: str) -> None:
        self.add(rule, *self.span(node), new)

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.names.append(node.name)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self.block(node.body, function=True)
        self.names.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        self.block(node.body, deletes=False)
        self.names.pop()

    def visit_Module(self, node: ast.Module) -> None:
        self.block(node.body, deletes=False)

    def block(
        self, body: list[ast.stmt], *, function: bool = False, deletes: bool = True
    ) -> None:
        for i, statement in enumerate(body):
            last = function and i == len(body) - 1
            if deletes and not last:
                self.delete(statement)
            self.visit(statement)

    def delete(self, s: ast.stmt) -> None:
        if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant):
            return  # a docstring
        if isinstance(s, ast.Return):
            self.replace("early return removed", s, "pass")
        elif isinstance(
            s,
            (
                ast.Expr,
                ast.Assign,
                ast.AugAssign,
                ast.Raise,
                ast.Delete,
                ast.Break,
                ast.Continue,
            ),
        ):
            self.replace("statement deleted", s, "pass")

    # Statements

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id in SILENT:
            return
        self.always_or_never(node.test)
        self.visit(node.test)
        self.block(node.body)
        self.block(node.orelse)

    def visit_While(self, node: ast.While) -> None:
        if not isinstance(node.test, ast.Constant):
            self.replace("condition never", node.test, "False")
        self.visit(node.test)
        self.block(node.body)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self.block(node.body)
        self.block(node.orelse)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
        self.block(node.body)

    def visit_Try(self, node: ast.Try) -> None:
        self.block(node.body)
        for handler in node.handlers:
            self.block(handler.body)
        self.block(node.orelse)
        self.block(node.finalbody)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        if not SILENT & set(names):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.swap(node.op, node.target, node.value)
        self.visit(node.value)

    def visit_Assert(self, node: ast.Assert) -> None:
        """For types: what it says is always true."""

    # Expressions

    def always_or_never(self, test: ast.expr) -> None:
        self.replace("condition always", test, "True")
        self.replace("condition never", test, "False")

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.always_or_never(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.replace("condition always", test, "True")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        parts = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, parts, parts[1:]):
            old, new = COMPARED[type(op)]
            start, stop = self.span(left)[1], self.span(right)[0]
            at = self.text.index(old, start, stop)
            self.add("comparison swapped", at, at + len(old), new)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = "and" if isinstance(node.op, ast.And) else "or"
        for i in range(len(node.values)):
            kept = node.values[:i] + node.values[i + 1 :]
            new = f" {word} ".join(f"({self.source(v)})" for v in kept)
            self.replace("operand dropped", node, f"({new})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.replace("not dropped", node, f"bool({self.source(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def swap(self, op: ast.operator, left: ast.AST, right: ast.AST) -> None:
        if type(op) in SIGNS:
            old, new = SIGNS[type(op)]
            start, stop = self.span(left)[1], self.span(right)[0]
            at = self.text.index(old, start, stop)
            self.add("+ and - swapped", at, at + 1, new)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.replace("constant", node, str(not node.value))
        elif isinstance(node.value, int):
            self.replace("constant", node, f"({self.source(node)} + 1)")
            self.replace("constant", node, f"({self.source(node)} - 1)")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Words for people, as a rule."""


def mutants(path: str, text: str) -> Iterator[Mutant]:
    rules = Rules(path, text)
    rules.visit(ast.parse(text))
    return iter(rules.found)


def same_code(one: str, other: str) -> bool:
    """Whether both compile to the same instructions."""
    codes = [compile(text, "x", "exec", optimize=0) for text in (one, other)]
    return shape(codes[0]) == shape(codes[1])


def shape(code) -> tuple:  # type: ignore[no-untyped-def, type-arg]
    consts = tuple(
        shape(c) if hasattr(c, "co_code") else (type(c), c) for c in code.co_consts
    )
    return code.co_code, consts, code.co_names, code.co_varnames
