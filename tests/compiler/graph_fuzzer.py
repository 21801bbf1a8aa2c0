"""Random graphs of 3 to 30 nodes: nodes of the table NODES that share operands, then states, outputs and names."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from graph_cases import GraphCase
from graph_draft import Draft, NothingFitsError, format_of, same_form
from graph_judge import Trial
from graph_moves import update
from graph_nodes import NODES, Node
from graph_phrases import PHRASES
from operator_cases import Random

from textzoo.compiler.packing.tables import CHOICES
from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.tflite.signatures import STEP_INPUTS
from textzoo.compiler.tflite.single_operator import Operation, Tensor

ATTEMPTS = 20
# Groups whose nodes become one kernel where nothing else reads what is inside.
CLOSED = ("norms", "attention")


@dataclass(frozen=True)
class Profile:
    """What kind of graphs are drawn.

    Attributes:
        groups: Group of nodes -> how often it is drawn, beside the others.
        is_step: Whether the graph is a decode step: a token and a position go in, logits come out.
        odd_names: How often tensors have odd names.
    """

    groups: dict[str, float]
    is_step: bool = False
    odd_names: float = 0.2
    usual: dict[str, float] = field(
        default_factory=lambda: {
            "arithmetic": 3,
            "comparisons": 1,
            "conversions": 1,
            "functions": 1.5,
            "products": 1.5,
            "reductions": 1,
            "windows": 1,
            "movement": 4,
            "look-ups": 1.5,
            "updates": 1.5,
            "known": 0.3,
            "phrases": 0.7,
            "norms": 0.3,
            "attention": 0.1,
        }
    )

    def weights(self, nodes: Sequence[Node]) -> np.ndarray:
        """How often each node is drawn; they sum to 1."""
        groups = {**self.usual, **self.groups}
        shares = np.array([node.weight * groups[node.group] for node in nodes])
        sums = {group: sum(it.weight for it in nodes if it.group == group) for group in groups}
        shares /= np.array([sums[node.group] for node in nodes])
        return shares / shares.sum()


PROFILES = {
    "mixed": Profile({}),
    "views": Profile({"movement": 12, "updates": 4, "arithmetic": 4, "attention": 0}, odd_names=0.05),
    "recurrent": Profile({"phrases": 5, "norms": 2, "updates": 3}, odd_names=0.05),
    "attention": Profile({"attention": 3, "updates": 2}, is_step=True, odd_names=0.05),
    "images": Profile({"windows": 8, "arithmetic": 2, "attention": 0}, odd_names=0.05),
    "names": Profile({"attention": 0}, odd_names=1.0),
    "decode step": Profile({"look-ups": 3, "products": 3}, is_step=True),
}

# Words of C and of the generated files, macros, functions, and what stands in file names, comments and strings.
WORDS = """
    defined int signed restrict inline auto bool true false I complex errno assert NULL offsetof stdin EOF INT8_MAX
    int8_t size_t uint8_t memset memcpy main abs exp y0 index unix linux arena state data bytes name i j n parts
    checksum crc32_update model_run model_reset model_t MARK PARAMETERS MODEL_H step_0 step_0_1 value_0 fixed_0
    tz_add textzoo place_in_x x x_2 x_table x_packed x_weights x_bias x_exponentials x_reciprocals x_places x_gain
    X t0 t1 new_x new_new_x _Bool __x __FILE__ __LINE__ _ 0 9x include define ifdef endif if unsigned_char token
    position logits model_outputs model_states weights embedding
"""
SIGNS = (
    "",
    " ",
    "a b",
    "é",
    "a;b",
    "a;1;b;2",
    "*/",
    "/*",
    "//",
    'x"y',
    "a\\",
    "a\nb",
    "%s",
    "??/",
    "x" * 300,
    "{{ x }}",
)
ODD_NAMES = (*WORDS.split(), *SIGNS)


def random_graph(seed: int, profile: str = "") -> GraphCase:
    """A graph that LiteRT should compute; the profile is drawn where none is given."""
    random = np.random.default_rng(seed)
    profile = profile or str(random.choice(list(PROFILES)))
    chosen = PROFILES[profile]
    draft = Draft(random, has_inputs=not chosen.is_step)
    step = enter_step(draft) if chosen.is_step else {}
    grow(draft, chosen)
    settle_states(draft)
    return finished(draft, step, chosen.odd_names)


def random_trial(seed: int, profile: str = "") -> Trial:
    """A graph, and how it is compiled: with all passes, none, one, or some."""
    random = np.random.default_rng([seed, 1])
    return Trial(random_graph(seed, profile), seed, draw_passes(random), str(random.choice(list(CHOICES))))


def draw_passes(random: Random) -> frozenset[str]:
    """Passes to leave out."""
    names = [entry.name for entry in TABLE]
    kind = random.choice(["all", "none", "alone", "some"], p=[0.5, 0.1, 0.2, 0.2])
    if kind == "all":
        return frozenset()
    if kind == "none":
        return frozenset(names)
    if kind == "alone":
        return frozenset(names) - {str(random.choice(names))}
    return frozenset(name for name in names if random.random() < 0.5)


def grow(draft: Draft, profile: Profile) -> None:
    """Add nodes until there are enough."""
    nodes = [*NODES, *PHRASES.values()]
    weights = profile.weights(nodes)
    wanted = 3 + int((25 if draft.chance(0.98) else 90) * draft.random.random() ** 1.5)
    for _ in range(ATTEMPTS * wanted):
        if len(draft.operations) >= wanted:
            return
        add_node(draft, nodes[int(draft.random.choice(len(nodes), p=weights))])


def add_node(draft: Draft, node: Node) -> None:
    """One more node, if the draft has tensors for it; what is inside of a phrase is often read by nothing else."""
    with suppress(NothingFitsError):
        draft.add(node.make(draft), is_closed=node.group in CLOSED and draft.chance(0.6))


# ---- states ----


def settle_states(draft: Draft) -> None:
    """Choose for every state what it becomes: mostly something computed, else an input, a constant, a state, itself."""
    draft.has_states = False
    for before in [before for before, after in draft.states.items() if after is None]:
        computed, others = candidates(draft, before)
        if not computed and before.shape and draft.chance(0.8):
            with suppress(NothingFitsError):
                draft.add(advance(draft, before))
            computed, others = candidates(draft, before)
        chosen = computed if computed and draft.chance(0.75) else others
        draft.states[before] = draft.one_of(chosen)


def advance(draft: Draft, before: Tensor) -> list[Operation]:
    """Something of a state's format that is computed of it."""
    if format_of(before) is None or draft.chance(0.5):
        return update(draft, before)
    other, after = draft.same_format(before, before.shape), draft.like(before, before.shape)
    return [Operation(draft.one_of(("ADD", "SUB", "MUL")), [before, other], [after])]


def candidates(draft: Draft, before: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Tensors of a state's format whose values it may have: those that nodes compute, and the others."""
    written = {output for operation in draft.operations for output in operation.outputs}
    low, high = draft.range_of(before)
    fitting = [
        tensor
        for tensor in draft.pool
        if same_form(tensor, before) and low <= draft.range_of(tensor)[0] <= draft.range_of(tensor)[1] <= high
    ]
    return [tensor for tensor in fitting if tensor in written], [tensor for tensor in fitting if tensor not in written]


# ---- the interface ----


def enter_step(draft: Draft) -> dict[str, Tensor]:
    """The inputs of a decode step."""
    token, position = (Tensor((1,), "int32") for _ in range(2))
    draft.limits |= {token: (0, draft.one_of(draft.sizes[1:]) - 1), position: (0, 9)}
    draft.counters.add(position)
    draft.pool += [token, position]
    return {"token": token, "position": position}


def finished(draft: Draft, step: dict[str, Tensor], odd_names: float) -> GraphCase:
    outputs = chosen_outputs(draft, is_step=bool(step))
    read = {tensor for operation in draft.operations for tensor in operation.inputs}
    held = {*draft.states, *(output for operation in draft.operations for output in operation.outputs)}
    seen = {*read, *outputs, *draft.states.values(), *step.values()}
    inputs = [tensor for tensor in draft.pool if tensor.data is None and tensor not in held and tensor in seen]
    named = step or {f"input_{place}": tensor for place, tensor in enumerate(inputs)}
    case = GraphCase(
        draft.operations,
        named,
        {f"output_{place}": tensor for place, tensor in enumerate(outputs)},
        {f"state_{place}": pair for place, pair in enumerate(draft.states.items())},
        limits=draft.limits,
    )
    if step:
        others = {f"output_{place}": tensor for place, tensor in enumerate(outputs[1:])}
        case.outputs = {"logits": outputs[0], **others}
        case.description = "textzoo decode context_length=10"
    if draft.chance(odd_names):
        give_names(draft, case, is_step=bool(step))
    case.counters = {name for name, tensor in case.inputs.items() if tensor in draft.counters}
    return case


def chosen_outputs(draft: Draft, is_step: bool) -> list[Tensor]:
    """What nobody reads, and some other tensors: of the middle, inputs, constants, states, the same one twice."""
    logits = [chosen_logits(draft)] if is_step else []
    if is_step and draft.chance(0.5):
        return logits
    shown = set(draft.pool)
    written = [output for operation in draft.operations for output in operation.outputs if output in shown]
    read = {tensor for operation in draft.operations for tensor in operation.inputs}
    unread = [tensor for tensor in written if tensor not in read and draft.chance(0.85)]
    inner = [draft.one_of(written) for _ in range(draft.count(0, 3))]
    others = [draft.one_of(draft.pool) for _ in range(draft.count(0, 2)) if draft.chance(0.4)]
    chosen = [*logits, *unread, *inner, *(tensor for tensor in others if tensor.dtype != "float32")]
    return [tensor for place, tensor in enumerate(chosen) if tensor not in chosen[:place] or draft.chance(0.2)]


def chosen_logits(draft: Draft) -> Tensor:
    """The last quantized tensor that is computed, or a sum of a new one."""
    written = [output for operation in draft.operations for output in operation.outputs]
    fitting = [tensor for tensor in written if tensor.shape and format_of(tensor)]
    return fitting[-1] if fitting else logits_of(draft)


def logits_of(draft: Draft) -> Tensor:
    """A sum of a new tensor with itself."""
    source = draft.fresh("int8", (1, draft.sizes[1]))
    total = draft.result(source.shape, "int8")
    draft.add([Operation("ADD", [source, source], [total])])
    return total


def give_names(draft: Draft, case: GraphCase, is_step: bool) -> None:
    """Odd names for tensors, and for inputs, outputs and states in the signature."""
    tensors = case.tensors()
    tensors = [tensor for tensor in tensors if not tensor.is_variable]
    case.names = {tensor: draft.one_of(ODD_NAMES) for tensor in tensors if draft.chance(0.6)}
    if draft.chance(0.8):
        case.names = {tensor: name for name, tensor in {name: tensor for tensor, name in case.names.items()}.items()}
    if is_step or draft.chance(0.5):
        return
    case.inputs = renamed(draft, case.inputs, set())
    case.states = renamed(draft, case.states, set(case.inputs))
    case.outputs = renamed(draft, case.outputs, {f"new_{name}" for name in (*case.inputs, *case.states)})
    if draft.chance(0.3):
        name_like_a_state(case)


def name_like_a_state(case: GraphCase) -> None:
    """An input x and an output new_x of another format, which are no state."""
    pairs = [(source, target) for source in case.inputs for target in case.outputs]
    apart = [names for names in pairs if not same_form(case.inputs[names[0]], case.outputs[names[1]])]
    if apart and f"new_{apart[0][0]}" not in case.all_outputs():
        source, target = apart[0]
        case.outputs = {f"new_{source}" if name == target else name: it for name, it in case.outputs.items()}


def renamed(draft: Draft, table: dict, taken: set[str]) -> dict:
    """The same table with some odd names that nothing else has."""
    changed = {}
    for name, entry in table.items():
        new = draft.one_of(ODD_NAMES) if draft.chance(0.5) else name
        is_free = new not in {*taken, *changed, *table, *STEP_INPUTS}
        changed[new if is_free and new.isprintable() and new else name] = entry
    return changed
