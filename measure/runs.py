"""Runs a case on the device and reads PyTorch's caching allocator: the second training iteration, or the second forward
pass and one step of decoding."""
import contextlib
import gc
import os
import subprocess

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves

import null_gpu
from ledger import Ledger
from networks import DTYPES, build_batch, build_network, plain_forward, training_loss
from optimizers import build_optimizer, optimizer_tensors

DEVICE = "cuda"
ATTENTION = {
    # the fastest that applies; cuDNN's kernel is left out, since not every device has it
    "sdpa_auto": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "sdpa_flash": [SDPBackend.FLASH_ATTENTION],
    "sdpa_efficient": [SDPBackend.EFFICIENT_ATTENTION],
    "sdpa_math": [SDPBackend.MATH],
    "sdpa_cudnn": [SDPBackend.CUDNN_ATTENTION],
}


# ---- reading


def allocated():
    return torch.cuda.memory_allocated()


def stored_bytes(tensors):
    """Bytes of the distinct storages on the device: views and tied weights count once."""
    sizes = {}
    for tensor in tensors:
        if tensor is not None and tensor.device.type == DEVICE:
            storage = tensor.untyped_storage()
            sizes[storage._cdata] = storage.nbytes()
    return sum(sizes.values())


def start_clean():
    gc.collect()
    torch._C._cuda_clearCublasWorkspaces()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def cublas_workspace():
    """Bytes that cuBLAS workspaces hold. Gives them back, so ask last."""
    gc.collect()
    before = allocated()
    torch._C._cuda_clearCublasWorkspaces()
    return before - allocated()


def driver_bytes():
    """What nvidia-smi shows for this process: PyTorch's segments, the CUDA context and loaded kernels. None where the
    driver does not say."""
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    for line in lines:
        pid, _, mebibytes = line.partition(",")
        if pid.strip() == str(os.getpid()) and mebibytes.strip().isdigit():
            return int(mebibytes) << 20
    return None


def device_bytes():
    """What is taken on the whole device, by whomever. None where there is no device to ask."""
    if null_gpu.present():
        return None
    free, total = torch.cuda.mem_get_info()
    return total - free


def weigh(network, batch):
    params, buffers = list(network.parameters()), list(network.buffers())
    trained = [p for p in params if p.requires_grad]
    dtypes = {}
    for p in params:
        name = str(p.dtype).removeprefix("torch.")
        dtypes[name] = dtypes.get(name, 0) + p.numel()
    return {
        "params_count": sum(p.numel() for p in params),
        "trainable_count": sum(p.numel() for p in trained),
        "param_tensors": len(params),
        "params_bytes": stored_bytes(params),
        "buffers_bytes": stored_bytes(buffers),
        "buffers_count": sum(b.numel() for b in buffers),
        "inputs_bytes": stored_bytes(tree_leaves(batch)),
        "param_dtypes": dtypes,
    }


def autocast(case):
    return torch.autocast(DEVICE, dtype=DTYPES[case["amp"]]) if case.get("amp") else contextlib.nullcontext()


def attention(case):
    kernels = ATTENTION.get(case.get("attn", "sdpa_auto"))
    return sdpa_kernel(kernels) if kernels else contextlib.nullcontext()


# ---- training


class Training:
    """One network in training. `iterate` is an ordinary loop's body; `at` is told of each border it crosses."""

    def __init__(self, case):
        self.case = case
        self.network = build_network(case, DEVICE).train()
        start_clean()
        self.batch = build_batch(case, DEVICE)
        self.optimizer = build_optimizer(case, self.network)
        self.scaler = torch.amp.GradScaler(DEVICE) if case.get("amp") == "fp16" else None
        self.outputs = None

    def grads(self):
        return [p.grad for p in self.network.parameters() if p.grad is not None]

    def iterate(self, at=lambda border: None):
        case, optimizer, scaler = self.case, self.optimizer, self.scaler
        for _ in range(case.get("accumulation_steps", 1)):
            at("begin")
            with autocast(case):
                loss, outputs = training_loss(case, self.network, self.batch)
            if not case.get("hold_outputs"):
                del outputs
            at("forward done")
            (scaler.scale(loss) if scaler else loss).backward()
            at("backward done")
        if case.get("clip"):
            torch.nn.utils.clip_grad_norm_([p for p in self.network.parameters() if p.requires_grad], 1.0)
        at("clipped")
        if scaler:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
        at("step done")
        optimizer.zero_grad(set_to_none=case.get("set_to_none", True))
        del loss
        if case.get("hold_outputs"):
            self.outputs = outputs  # a script that keeps them in a variable frees the old ones only here

    def measured(self):
        """One iteration: (peaks by phase, allocated bytes at each border). Of micro-batches the highest peak, what stands
        before and after the first one's forward and after the last one's backward."""
        peaks, standing = {}, {}
        closing = {"forward done": "fwd", "backward done": "bwd", "step done": "step"}
        if self.case.get("clip"):
            closing["clipped"] = "clip"

        def at(border):
            if border not in standing or border == "backward done":
                standing[border] = allocated()
            if border in closing:
                peak = torch.cuda.max_memory_allocated()
                peaks[closing[border]] = max(peak, peaks.get(closing[border], 0))
            if border != "step done":
                torch.cuda.reset_peak_memory_stats()

        self.iterate(at)
        return peaks, standing

    def explained(self):
        """One iteration under a ledger: (report, bytes kept after forward, bytes of gradients)."""
        ledger, told = Ledger(DEVICE), {}
        ledger.hold(self.network.parameters(), "params")
        ledger.hold(self.network.buffers(), "buffers")
        ledger.hold(tree_leaves(self.batch), "inputs")
        ledger.hold(optimizer_tensors(self.optimizer), "optimizer")
        if self.scaler is not None and self.scaler._scale is not None:
            ledger.hold([self.scaler._scale, self.scaler._growth_tracker], "other")

        def at(border):
            if border == "begin":
                ledger.begin("fwd")
            elif border == "forward done":
                told.setdefault("kept", ledger.end_of_forward())
                ledger.begin("bwd")
            elif border == "backward done":
                ledger.hold(self.grads(), "grads")
                told["grads"] = stored_bytes(self.grads())
                ledger.begin("step")
            elif border == "step done":
                ledger.hold(optimizer_tensors(self.optimizer), "optimizer")

        with ledger:
            self.iterate(at)
        return ledger.report(), told["kept"], told["grads"]


def run_training(case):
    training = Training(case)
    with attention(case):
        first, _ = training.measured()
        if not case.get("hold_outputs"):
            training.outputs = None
        peaks, standing = training.measured()
        peak, phase = max((size, name) for name, size in peaks.items())
        truth = {
            "peak_alloc": peak,
            "peak_phase": phase,
            "phase_peaks": peaks,
            "peak_reserved": torch.cuda.memory_reserved(),
            "driver_bytes": driver_bytes(),
            "device_bytes": device_bytes(),
        }
        training.outputs = None
        truth["cublas_workspace"] = cublas_workspace()
        truth["peak_alloc_less_workspace"] = peak - truth["cublas_workspace"]
        truth |= weigh(training.network, training.batch)
        truth["alloc_before_forward"] = standing["begin"]
        truth["optimizer_bytes"] = stored_bytes(optimizer_tensors(training.optimizer))
        detail, truth["kept_after_forward"], truth["grads_bytes"] = training.explained()
        truth["alloc_after_backward"] = standing["backward done"]
        truth["first_iteration_phase_peaks"] = first
    detail["not_seen_by_tracker"] = truth["peak_alloc_less_workspace"] - detail["tracker_peak"]
    return truth, detail


# ---- inference


def cache_tensors(outputs):
    """The tensors of the key-value cache, wherever the library keeps them."""
    found, waiting = [], [(getattr(outputs, "past_key_values", None), 0)]
    while waiting:
        thing, depth = waiting.pop()
        if isinstance(thing, torch.Tensor):
            found.append(thing)
        elif isinstance(thing, (list, tuple)):
            waiting += [(part, depth + 1) for part in thing]
        elif hasattr(thing, "__dict__") and depth < 6:
            waiting += [(part, depth + 1) for part in vars(thing).values()]
    return found


class Inference:
    """One network that answers."""

    def __init__(self, case):
        self.case = case
        self.network = build_network(case, DEVICE).eval().requires_grad_(False)
        start_clean()
        self.batch = build_batch(case, DEVICE)

    def forward(self):
        with torch.inference_mode(), autocast(self.case):
            return plain_forward(self.case, self.network, self.batch)

    def past(self, outputs):
        """Keys and values that one token more can be given; none where the network keeps none."""
        return outputs.past_key_values if cache_tensors(outputs) and self.case["input"] == "lm" else None

    def decode(self, past):
        token = torch.zeros(self.case["batch"], 1, dtype=torch.long, device=DEVICE)
        with torch.inference_mode(), autocast(self.case):
            return self.network(input_ids=token, past_key_values=past, use_cache=True)


def run_inference(case):
    inference = Inference(case)
    with attention(case):
        outputs = inference.forward()
        outputs = None
        gc.collect()
        torch.cuda.reset_peak_memory_stats()
        before = allocated()
        outputs = inference.forward()
        peak = torch.cuda.max_memory_allocated()
        cache, logits = stored_bytes(cache_tensors(outputs)), getattr(outputs, "logits", None)
        served = {"kv_cache_bytes": cache, "logits_bytes": None, "logits_dtype": None}
        if logits is not None:
            served["logits_bytes"] = logits.numel() * logits.element_size()
            served["logits_dtype"] = str(logits.dtype)
        past = inference.past(outputs)
        outputs = logits = None
        if past is not None:
            torch.cuda.reset_peak_memory_stats()
            after = inference.decode(past)
            served["decode_peak_alloc"] = torch.cuda.max_memory_allocated()
            served["kv_cache_bytes_after_decode"] = stored_bytes(cache_tensors(after))
            after = past = None
        truth = {
            "peak_alloc": peak,
            "peak_phase": "fwd",
            "phase_peaks": {"fwd": peak},
            "peak_reserved": torch.cuda.memory_reserved(),
            "driver_bytes": driver_bytes(),
            "device_bytes": device_bytes(),
        }
        truth["cublas_workspace"] = cublas_workspace()
        truth["peak_alloc_less_workspace"] = peak - truth["cublas_workspace"]
        truth |= weigh(inference.network, inference.batch) | {"alloc_before_forward": before} | served

        ledger = Ledger(DEVICE)
        ledger.hold(inference.network.parameters(), "params")
        ledger.hold(inference.network.buffers(), "buffers")
        ledger.hold(tree_leaves(inference.batch), "inputs")
        ledger.begin("fwd")
        with ledger:
            outputs = inference.forward()
        ledger.hold(cache_tensors(outputs), "kv_cache")
        detail = ledger.report()
    detail["not_seen_by_tracker"] = truth["peak_alloc_less_workspace"] - detail["tracker_peak"]
    return truth, detail
