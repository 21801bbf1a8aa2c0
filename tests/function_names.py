"""TensorFlow's traced functions are named by what they compute, so that XLA finds what it has compiled before.

TensorFlow numbers the functions of a process, and XLA's persistent cache keeps programs under these names: after tests
in another order, everything would be compiled again.
"""

import hashlib
import sys
from typing import Any


def name_by_content() -> None:
    """Name functions by their content from now on, if TensorFlow has been imported."""
    if "tensorflow" not in sys.modules:
        return
    from tensorflow.python.eager.polymorphic_function import atomic_function

    if hasattr(atomic_function, "numbered"):
        return
    atomic_function.numbered = numbered = atomic_function.from_func_graph

    def from_func_graph(name: str, graph: Any, attrs: Any, *rest: Any, **options: Any) -> Any:
        if name.startswith("__inference_"):
            # A number at the end is what saved models expect.
            name = f"{name.rpartition('_')[0]}_{content_number(graph, attrs)}"
        return numbered(name, graph, attrs, *rest, **options)

    atomic_function.from_func_graph = from_func_graph


def content_number(graph: Any, attrs: Any) -> int:
    """Return a hash of operations, inputs, outputs and attributes; what these call has its name in them."""
    operations = [node.SerializeToString(deterministic=True) for node in graph.as_graph_def().node]
    ends = [tensor.name for tensor in (*graph.inputs, *graph.outputs)]
    content = repr((operations, ends, sorted((attrs or {}).items(), key=str)))
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:7])
