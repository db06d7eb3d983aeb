"""Who holds the bytes: follows every tensor storage on the device from its birth to its death.

A ledger sees what operators return. It does not see what lives inside one operator, nor cuBLAS workspaces; and while
it watches, autograd adds gradients out of place that it otherwise adds in place. So the total comes from the
allocator, and the ledger only says what the total is made of."""
import re
import weakref
from collections import Counter, defaultdict
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512  # the allocator gives whole blocks of so many bytes
TOP = 12
LASTING = {"params", "buffers", "inputs", "optimizer", "grads"}
PASSING = {"fwd": "temp_forward", "bwd": "temp_backward", "step": "temp_step"}


def attention_kernels(operators):
    """Names of the attention kernels among these operators: a bare softmax is the eager way (or a router's), a safe one
    the math kernel's."""
    known = {"aten._softmax.default": "eager", "aten._safe_softmax.default": "math"}
    names = {known[name] for name in operators if name in known}
    for name in operators:
        fused = re.search(r"_scaled_dot_product_(\w+?)_attention\.", name)
        if fused:
            names.add(fused[1])
    return sorted(names)


@dataclass
class Entry:
    bytes: int
    phase: str
    made_by: str
    dtype: str
    shape: tuple
    born: int
    died: float = float("inf")
    holder: str = ""
    kept: bool = False  # made in the forward pass and alive at its end
    recomputed: bool = False
    watch: object = None

    def kind(self):
        if self.holder:
            return self.holder
        if self.kept:
            return "act_saved"
        return "act_recompute" if self.recomputed else PASSING.get(self.phase, "other")


class Ledger(TorchDispatchMode):
    def __init__(self, device_type="cuda"):
        super().__init__()
        self.device_type = device_type
        self.entries, self.living = [], {}
        self.phase, self.clock, self.total = "before", 0, 0
        self.peaks = {}  # phase -> (bytes, clock)
        self.operators = Counter()

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        returned = operator(*args, **(kwargs or {}))
        self.operators[str(operator)] += 1
        for leaf in tree_leaves(returned):
            self.enter(leaf, str(operator))
        return returned

    def enter(self, tensor, made_by, holder=""):
        if not isinstance(tensor, torch.Tensor) or tensor.device.type != self.device_type:
            return
        storage = tensor.untyped_storage()
        known = self.living.get(storage._cdata)
        if known is not None:
            known.holder = known.holder or holder
            return
        size = -(-storage.nbytes() // BLOCK) * BLOCK
        if size == 0:
            return
        self.clock += 1
        dtype, shape = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
        entry = Entry(size, self.phase, made_by, dtype, shape, self.clock, holder=holder)
        entry.recomputed = self.phase == "bwd" and torch.is_grad_enabled()
        key = storage._cdata

        def close(_):
            self.clock += 1
            entry.died = self.clock
            self.total -= entry.bytes
            if self.living.get(key) is entry:
                del self.living[key]

        entry.watch = weakref.ref(storage, close)
        self.living[key] = entry
        self.entries.append(entry)
        self.total += size
        self._note_peak()

    def _note_peak(self):
        if self.total > self.peaks.get(self.phase, (0, 0))[0]:
            self.peaks[self.phase] = (self.total, self.clock)

    def begin(self, phase):
        self.phase = phase
        self._note_peak()

    def hold(self, tensors, holder):
        """These tensors belong to `holder`, whoever made them."""
        for tensor in tensors:
            self.enter(tensor, "before", holder)

    def end_of_forward(self):
        """Marks what the forward pass leaves behind; returns its bytes."""
        left = [e for e in self.living.values() if e.phase == "fwd" and not e.holder]
        for entry in left:
            entry.kept = True
        return sum(e.bytes for e in left)

    def report(self):
        phase, (peak, moment) = max(
            ((p, at) for p, at in self.peaks.items() if p != "before"), key=lambda pair: pair[1][0]
        )
        split, groups = defaultdict(int), defaultdict(lambda: [0, 0])
        for entry in self.entries:
            if entry.born <= moment < entry.died:
                kind = entry.kind()
                split[kind] += entry.bytes
                if kind not in LASTING:
                    shape = "x".join(map(str, entry.shape))
                    group = groups[f"{kind}|{entry.made_by}|{entry.dtype}|{shape}"]
                    group[0] += 1
                    group[1] += entry.bytes
        largest = sorted(groups.items(), key=lambda item: -item[1][1])[:TOP]
        attention = {
            name: count
            for name, count in self.operators.items()
            if "attention" in name or "safe_softmax" in name or "_softmax." in name or "_softmax_backward" in name
        }
        return {
            "tracker_peak": peak,
            "tracker_peak_phase": phase,
            "split_at_peak": dict(split),
            "top_at_peak": [{"what": what, "count": count, "bytes": size} for what, (count, size) in largest],
            "n_ops": sum(self.operators.values()),
            "attention_kernels": attention_kernels(attention),
            "attn_ops": attention,
        }
