"""Find all errors that prevent a .tflite from being run or compiled, before LiteRT opens it."""

from collections.abc import Callable
from pathlib import Path

from textzoo.common.errors import UserError, collecting
from textzoo.compiler.frontend.importer import graph_of
from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.operators.registry import check_graph
from textzoo.compiler.tflite.file import UNREAD, TfliteFile, parse_tflite, read_checked_bytes
from textzoo.compiler.tflite.support import NotSupportedError, is_refused
from textzoo.engines.graph_engine import graph_mistakes
from textzoo.engines.litert_engine import no_step, step_mistakes


def model_mistakes(path: Path | str, *, compiled: bool) -> list[UserError]:
    """Return the errors in the file of a decode step.

    Args:
        path: The file, which is not trusted.
        compiled: Whether it is to be compiled to C, which supports fewer operators.

    Returns:
        One error if the file is missing or damaged; otherwise an error for each unsupported part, for inputs and
        outputs, and for operators that cannot be compiled.
    """
    return file_mistakes(path, step_mistakes, no_step, compiled=compiled)


def plain_graph_mistakes(path: Path | str) -> list[UserError]:
    """Return the errors in the file of a plain graph that is to be compiled to C, as `model_mistakes` does."""
    return file_mistakes(path, lambda file, content, label: graph_mistakes(file, label), graph_mistakes, compiled=True)


def file_mistakes(
    path: Path | str,
    contract: Callable[[TfliteFile, bytes, str], list[UserError]],
    part_of_contract: Callable[[TfliteFile, str], list[UserError]],
    *,
    compiled: bool,
) -> list[UserError]:
    """Return the errors in a file.

    Args:
        path: The file, which is not trusted.
        contract: What it must be, if all of its parts are supported.
        part_of_contract: The same as far as inputs and outputs tell it, if some are not.
        compiled: Whether it is to be compiled to C.
    """
    label = str(path)
    errors: list[UserError] = []
    try:
        content = read_checked_bytes(Path(path))
        file = parse_tflite(content, label)
        graph = graph_of(file)
        errors += contract(file, content, label)
    except NotSupportedError as error:
        graph = supported_part(graph_of(error.file))
        errors += [error, *part_of_contract(error.file, label)]
    except UserError as error:
        return [error]
    if compiled:
        with collecting(errors):
            check_graph(graph, label)
    return errors


def supported_part(graph: Graph) -> Graph:
    """Return the graph without operators that are refused already, because of themselves or of their tensors."""
    graph.nodes = [node for node in graph.nodes if not is_refused(node.operator) and is_read(node)]
    return graph


def is_read(node: Node) -> bool:
    """Return whether all tensors of a node have supported types, and elements."""
    return all(tensor.dtype != UNREAD and tensor.size > 0 for tensor in [*node.operands(), *node.outputs])
