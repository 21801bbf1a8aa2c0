"""Small changes of code that a test should notice, for Python and for C.

Left alone: what no test can or should notice, as docstrings, type annotations, the text of errors, logging.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One change of a file: its bytes [start, end) become `after`."""

    line: int
    start: int
    end: int
    after: str

    def apply(self, text: str) -> str:
        """Return the text of the file with the change."""
        source = text.encode()
        return (source[: self.start] + self.after.encode() + source[self.end :]).decode()

    def before(self, text: str) -> str:
        return text.encode()[self.start : self.end].decode()


COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CALCULATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
}  # fmt: skip


def change_comparison(node: ast.Compare) -> str:
    operator = COMPARISONS[type(node.ops[0])]()
    return f"({ast.unparse(ast.Compare(node.left, [operator, *node.ops[1:]], node.comparators))})"


def change_calculation(node: ast.BinOp) -> str | None:
    operator = CALCULATIONS.get(type(node.op))
    return operator and f"({ast.unparse(ast.BinOp(node.left, operator(), node.right))})"


def change_logic(node: ast.BoolOp) -> str:
    operator = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return f"({ast.unparse(ast.BoolOp(operator, node.values))})"


def drop_not(node: ast.UnaryOp) -> str | None:
    return f"({ast.unparse(node.operand)})" if isinstance(node.op, ast.Not) else None


def change_constant(node: ast.Constant) -> str | None:
    if isinstance(node.value, bool):
        return str(not node.value)
    return str(node.value + 1) if isinstance(node.value, int) else None


def drop_call(node: ast.Expr) -> str | None:
    return "pass" if isinstance(node.value, ast.Call) else None


def return_nothing(node: ast.Return) -> str | None:
    return "return None" if node.value else None


def drop_statement(node: ast.stmt) -> str:
    return "pass"


CHANGES: dict[type[ast.AST], Callable[[Any], str | None]] = {
    ast.Compare: change_comparison,
    ast.BinOp: change_calculation,
    ast.BoolOp: change_logic,
    ast.UnaryOp: drop_not,
    ast.Constant: change_constant,
    ast.Expr: drop_call,
    ast.Return: return_nothing,
    ast.Raise: drop_statement,
    ast.AugAssign: drop_statement,
    ast.Continue: drop_statement,
}
UNTOUCHED_FIELDS = frozenset({"annotation", "returns", "decorator_list", "exc"})
UNTOUCHED_CALLS = ("logger.", "logging.")


def python_mutants(text: str) -> list[Mutant]:
    """List the mutants of a Python file."""
    lines = text.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    found = []
    for node in nodes_of(ast.parse(text)):
        after = CHANGES[type(node)](node) if type(node) in CHANGES else None
        if after is not None:
            start = starts[node.lineno - 1] + node.col_offset
            found.append(Mutant(node.lineno, start, starts[node.end_lineno - 1] + node.end_col_offset, after))
    return found


def nodes_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and what is below it that may be changed."""
    yield node
    for field, value in ast.iter_fields(node):
        if field not in UNTOUCHED_FIELDS:
            children = value if isinstance(value, list) else [value]
            for child in children:
                if isinstance(child, ast.AST) and not is_untouched(child):
                    yield from nodes_of(child)


def is_untouched(node: ast.AST) -> bool:
    """Whether it is text, logging, or the `strict` of zip, which only a mistake of the program reaches."""
    if isinstance(node, ast.Expr):
        return ast.unparse(node).startswith(UNTOUCHED_CALLS)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg == "strict")


# Comments, strings and lines of the preprocessor stay; the first alternative that fits wins.
C_TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|^[ ]*\#(?:\\\n|[^\n])*
    |(?P<operator>(?<=[ ])(?:<=|>=|==|!=|<<|>>|&&|\|\||[<>+-])(?=[ ]))
    |(?<![\w.])(?P<number>0|[1-9]\d*)(?=u?\b(?![.\w]))""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
C_OPERATORS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "<<": ">>", ">>": "<<",
    "&&": "||", "||": "&&",
}  # fmt: skip


def c_mutants(text: str) -> list[Mutant]:
    """List the mutants of a C file; some of them do not compile."""
    found = []
    for token in C_TOKEN.finditer(text):
        operator, number = token["operator"], token["number"]
        if operator or number:
            after = C_OPERATORS[operator] if operator else str(int(number) + 1)
            start = len(text[: token.start()].encode())
            found.append(Mutant(text.count("\n", 0, token.start()) + 1, start, start + len(token[0]), after))
    return found
