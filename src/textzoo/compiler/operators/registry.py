"""The table of operators that the compiler knows, and the check of a graph against it."""

from textzoo.common.errors import UserError
from textzoo.common.registry import Registry
from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.operators.base import Operator

PACKAGE = "textzoo.compiler.operators"
OPERATORS = Registry(
    "operator",
    {
        name: f"{PACKAGE}.{module}:{name}"
        for module, names in {
            "elementwise": "ADD SUB MUL SQUARED_DIFFERENCE QUANTIZE SELECT_V2",
            "comparisons": "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL",
            "conversions": "CAST DEQUANTIZE",
            "fully_connected": "FULLY_CONNECTED",
            "batch_matmul": "BATCH_MATMUL",
            "attention": "ATTENTION",
            "layer_norm": "LAYER_NORM",
            "lut": "LOOK_UP",
            "reductions": "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL REDUCE_PROD",
            "scans": "ARG_MAX ARG_MIN CUMSUM",
            "softmax": "SOFTMAX",
            "unary": "RSQRT LOGISTIC TANH GELU RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 EXP LOG SQRT HARD_SWISH",
            "movement": "CONCATENATION PACK TRANSPOSE REVERSE_V2",
            "reshaping": "RESHAPE EXPAND_DIMS SQUEEZE",
            "splitting": "SPLIT SPLIT_V UNPACK",
            "slicing": "SLICE STRIDED_SLICE",
            "gather": "GATHER EMBEDDING_LOOKUP",
            "updates": "DYNAMIC_UPDATE_SLICE",
            "padding": "PAD PADV2 MIRROR_PAD",
            "repetition": "TILE BROADCAST_TO FILL",
            "indexing": "GATHER_ND ONE_HOT",
            "shapes": "SHAPE RANK RANGE ZEROS_LIKE",
            "select": "SELECT",
            "slopes": "ABS LEAKY_RELU PRELU",
            "division": "DIV",
            "plain": "MAXIMUM MINIMUM NEG SIGN FLOOR_DIV FLOOR_MOD LOGICAL_AND LOGICAL_OR LOGICAL_NOT",
            "log_softmax": "LOG_SOFTMAX",
            "l2_normalization": "L2_NORMALIZATION",
            "convolution": "CONV_2D",
            "depthwise_convolution": "DEPTHWISE_CONV_2D",
            "pooling": "AVERAGE_POOL_2D MAX_POOL_2D",
            "lstm": "UNIDIRECTIONAL_SEQUENCE_LSTM",
        }.items()
        for name in names.split()
    },
)

# Made by passes only: no file has them.
FUSED = {"ATTENTION", "LAYER_NORM", "LOOK_UP"}

# LiteRT's reference kernels of these take no quantized tensors.
OF_FLOATS = {"CEIL", "COS", "ELU", "FLOOR", "ROUND", "SIN", "SQUARE"}


def operator_of(node: Node) -> Operator:
    return OPERATORS.get(node.operator)


def check_graph(graph: Graph, label: str) -> None:
    """Raise one UserError that lists every node which cannot be compiled, before anything is written."""
    lines = [line for node in graph.nodes if (line := problem_of(node))]
    if lines:
        count = len(lines)
        raise UserError(
            f"{count} operator{'s' * (count > 1)} of {label} cannot be compiled",
            expected=f"operators of the table: {', '.join(sorted(set(OPERATORS.names()) - FUSED))}",
            received="\n  ".join(["", *lines]),
            remedy="`operation_mode=describe` lists the types that each operator takes.",
        )


def problem_of(node: Node) -> str:
    """Return `BATCH_MATMUL (int8 1x2, float32 2x1 -> float32 1x1) block_0/attention: reason`, or an empty string."""
    problems = problems_of(node)
    if not problems:
        return ""
    inputs = ", ".join(tensor.describe() for tensor in node.operands())
    outputs = ", ".join(tensor.describe() for tensor in node.outputs)
    name = f" {node.name}" if node.outputs else ""
    return f"{node.operator} ({inputs} -> {outputs}){name}: {'; '.join(problems)}"


def problems_of(node: Node) -> list[str]:
    """Return why a node cannot be compiled; empty if it can."""
    if node.operator in OF_FLOATS:
        return ["LiteRT computes it for floats only"]
    if node.operator not in OPERATORS.attributes or node.operator in FUSED:
        return ["not in the table"]
    operator = operator_of(node)
    return operator.arity_problems(node) or operator.problems(node)


def operator_rows() -> list[tuple[str, str]]:
    """Name and types of every operator, for the description."""
    return [(name, OPERATORS.get(name).types) for name in OPERATORS.names()]
