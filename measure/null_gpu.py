"""Lets a case run where the CUDA runtime is replaced, underneath PyTorch, by calls that succeed and do nothing.

PyTorch's host code is then the real one, and so are the sizes and the order of its allocations; but every number read
back from the device is zero. Libraries read few numbers back to decide what to allocate. Where transformers does, it is
given here the answer a real device gives to our batches. On a real device nothing is changed."""
import torch

MARK = "Null GPU"


def present():
    return MARK in torch.cuda.get_device_name()


def answer_for_the_device(case):
    if case["source"] != "transformers":
        return
    from transformers import masking_utils

    padded = case.get("mask") == "padded"
    masking_utils.find_packed_sequence_indices = lambda position_ids: None  # no batch of ours is packed
    masking_utils.fast_all = lambda mask: not padded
    shortcut = getattr(masking_utils, "_ignore_bidirectional_mask_sdpa", None)
    if shortcut is not None and not padded:
        masking_utils._ignore_bidirectional_mask_sdpa = lambda mask, *rest, **named: shortcut(None, *rest, **named)
