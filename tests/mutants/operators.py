"""The changes that a mutant can be: one node of a syntax tree becomes another."""

import ast
import copy
import re
from collections.abc import Iterator

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.RShift: ast.LShift,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_IDENTIFIER = re.compile(r"[\w.\-/*]*")  # keys and names; all else is wording


def alternatives(node: ast.AST, wording: bool, drawing: bool) -> Iterator[ast.AST | None]:
    """Yield what may stand instead of a node; None: nothing, the element of a list is left out.

    Args:
        node: of the tree.
        wording: it is part of a message, whose texts carry no behaviour.
        drawing: it is part of a picture, whose numbers are a matter of taste.
    """
    match node:
        case ast.Constant():
            yield from _constants(node, wording, drawing)
        case ast.keyword(arg=str()):
            yield None
        case ast.expr():
            yield from _expressions(node)
        case ast.stmt():
            yield from _statements(node)


def _constants(node: ast.Constant, wording: bool, drawing: bool) -> Iterator[ast.AST]:
    value = node.value
    match value:
        case bool():
            yield ast.Constant(not value)
        case int() | float() if not drawing:
            yield ast.Constant(value + 1 if isinstance(value, int) else value * 1.25 or 1.0)
        case str() if not wording and _IDENTIFIER.fullmatch(value):
            yield ast.Constant(f"XX{value}")


def _expressions(node: ast.expr) -> Iterator[ast.AST]:
    new = copy.copy(node)
    match node, new:
        case ast.Compare(), ast.Compare():
            for place, op in enumerate(node.ops):
                swapped = copy.copy(node)
                swapped.ops = [*node.ops[:place], _COMPARED[type(op)](), *node.ops[place + 1 :]]
                yield swapped
        case ast.BinOp(), ast.BinOp() if type(node.op) in _COMPUTED:
            new.op = _COMPUTED[type(node.op)]()
            yield new
        case ast.BoolOp(), ast.BoolOp():
            new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield new
        case ast.UnaryOp(op=ast.Not() | ast.USub()), _:
            yield copy.copy(node.operand)
        case ast.IfExp(), ast.IfExp():
            new.body, new.orelse = node.orelse, node.body
            yield new
        case ast.Call(func=ast.Name(id=name)), ast.Call() if name in _CALLED:
            new.func = ast.Name(_CALLED[name], ast.Load())
            yield new
        case ast.FormattedValue(format_spec=ast.JoinedStr()), ast.FormattedValue():
            new.format_spec = None
            yield new
        case ast.Slice(), _:
            for field in ("lower", "upper", "step"):
                if getattr(node, field) is not None:
                    wider = copy.copy(node)
                    setattr(wider, field, None)
                    yield wider


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    new = copy.copy(node)
    match node, new:
        case ast.Return(value=ast.expr()), ast.Return():
            if not isinstance(node.value, ast.Constant):  # those have their own
                new.value = ast.Constant(None)
                yield new
        case ((ast.Expr(value=ast.Call()) | ast.Raise()), _):
            yield ast.Pass()
        case ast.AugAssign(), ast.AugAssign() if type(node.op) in _COMPUTED:
            new.op = _COMPUTED[type(node.op)]()
            yield new
        case ((ast.If() | ast.While()), (ast.If() | ast.While())):
            if not isinstance(node.test, ast.Compare | ast.UnaryOp):  # those have their own
                new.test = ast.UnaryOp(ast.Not(), node.test)
                yield new
        case ast.Continue(), _:
            yield ast.Break()
        case ast.Break(), _:
            yield ast.Continue()
