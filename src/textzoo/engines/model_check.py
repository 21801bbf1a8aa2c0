"""All that keeps a .tflite from being run, or from being compiled, found at once and before it is opened."""

from pathlib import Path

from textzoo.common.errors import UserError, collecting
from textzoo.compiler.frontend.importer import graph_of
from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.operators.registry import check_graph
from textzoo.compiler.tflite.file import UNREAD, parse_tflite, read_checked_bytes
from textzoo.compiler.tflite.support import NotSupportedError, is_refused
from textzoo.engines.litert_engine import no_step, step_mistakes


def model_mistakes(path: Path | str, *, compiled: bool) -> list[UserError]:
    """What is wrong with the file of a decode step.

    Args:
        path: The file; treated as hostile.
        compiled: Whether it is to become C, for which it needs operators that the compiler knows.

    Returns:
        One error if the file is missing or damaged; else errors for its parts that are not supported, for its inputs
        and outputs, and for the operators that cannot be compiled, as far as there are any.
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
    """The graph without the operators that are refused anyway, for themselves or for their tensors."""
    graph.nodes = [node for node in graph.nodes if not is_refused(node.operator) and is_read(node)]
    return graph


def is_read(node: Node) -> bool:
    """Whether all tensors of a node are of kinds that are read, and have elements."""
    return all(tensor.dtype != UNREAD and tensor.size > 0 for tensor in [*node.operands(), *node.outputs])
