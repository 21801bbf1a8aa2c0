"""Find all errors that prevent a .tflite from being run or compiled, before LiteRT opens it."""

from pathlib import Path

from textzoo.common.errors import UserError, collecting
from textzoo.compiler.frontend.importer import graph_of
from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.operators.registry import check_graph
from textzoo.compiler.tflite.file import UNREAD, parse_tflite, read_checked_bytes
from textzoo.compiler.tflite.support import NotSupportedError, is_refused
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
    label = str(path)
    errors: list[UserError] = []
    try:
        content = read_checked_bytes(Path(path))
        file = parse_tflite(content, label)
        graph = graph_of(file)
        errors += step_mistakes(file, content, label)
    except NotSupportedError as error:
        graph = supported_part(graph_of(error.file))
        errors += [error, *no_step(error.file, label)]
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
