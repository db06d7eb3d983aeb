"""Draws cases for measure.py out of rows that were measured: see README.md beside this file.

usage: python draw.py random ROWS.jsonl... [--seed N] [--count N] > CASES.jsonl
       python draw.py grid ROWS.jsonl... > CASES.jsonl
       python draw.py adapters ROWS.jsonl... > CASES.jsonl
       python draw.py mixed ROWS.jsonl... [--seed N] [--count N] > CASES.jsonl"""
import argparse
import copy
import itertools
import json
import random
import re
from pathlib import Path

import torch
import transformers
from transformers.pytorch_utils import Conv1D

from networks import LOSSES, from_transformers

ATTENTION = ("eager", "sdpa_math", "sdpa_efficient", "sdpa_auto")
# By precision: the type of the weights, that of autocast, that of master weights.
PRECISIONS = {
    "fp32": ("fp32", None, None),
    "bf16": ("bf16", None, None),
    "fp16": ("fp16", None, None),
    "amp_bf16": ("fp32", "bf16", None),
    "amp_fp16": ("fp32", "fp16", None),
    "bf16_master": ("bf16", None, "fp32"),
}
OPTIMIZERS = (
    "sgd", "sgd+momentum", "sgd+momentum+nesterov", "adam", "adamw", "adamw+amsgrad", "rmsprop", "rmsprop+momentum",
    "rmsprop+centered", "adagrad", "adadelta", "adamax", "nadam", "radam", "adafactor", "hf_adafactor", "lion", "muon",
    "lamb", "adam8bit",
)
FUSABLE = {"sgd", "adam", "adamw", "adagrad"}
LOOPS = FUSABLE | {"rmsprop", "adadelta", "adamax", "nadam", "radam", "lamb"}
NO_MASTER_WEIGHTS = {"adam8bit", "hf_adafactor"}
PADDABLE = {"lm", "mlm", "cls"}
# What peft calls the task of a network that is given such a batch.
TASKS = {"lm": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM", "cls": "SEQ_CLS", "hf_image": "SEQ_CLS"}
OF_THE_RUN = ("amp", "master", "mask", "clip", "hold_outputs")
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "relu2", "silu", "tanh")
# Flags of a configuration that ask for another use of the network, or for what its own code does not do.
NOT_OF_THE_NETWORK = {
    "use_cache", "is_decoder", "add_cross_attention", "output_router_logits", "is_gated_act", "deterministic_flash_attn",
    "slow_but_exact", "_remove_final_layer_norm", "sparse_prediction", "sinusoidal_pos_embds", "is_encoder_decoder",
}


def read(paths):
    for path in paths:
        for line in Path(path).read_text().splitlines():
            if line.strip():
                row = json.loads(line)
                yield row["case"], row["truth"]["params_count"]


def network(case):
    return case.get("name", case.get("model"))


def with_precision(case, name):
    param_dtype, amp, master = PRECISIONS[name]
    case.update(precision=name, param_dtype=param_dtype)
    case.update({key: value for key, value in (("amp", amp), ("master", master)) if value})


def optimizer(draw):
    name, *flags = draw.choice(OPTIMIZERS).split("+")
    chosen = {"name": name, **{flag: 0.9 if flag == "momentum" else True for flag in flags}}
    how = draw.random()
    if how < 0.25 and name in FUSABLE:
        chosen["fused"] = True
    elif how < 0.45 and name in LOOPS:
        chosen["foreach"] = False
    return chosen


def plain(case):
    return {key: copy.deepcopy(value) for key, value in case.items() if key not in OF_THE_RUN}


def drawn(draw, case):
    """The network of a case, its settings drawn anew. Some cannot run: measure.py names them."""
    case = plain(case)
    training = case["mode"] == "train"
    precisions = list(PRECISIONS) if training and not case.get("lora") else ["fp32", "bf16", "fp16"]
    if case.get("lora"):
        precisions.append("amp_bf16")
        case["lora"].update(r=draw.choice([4, 8, 64, 128]), dropout=draw.choice([0.0, 0.05]))
    with_precision(case, draw.choice(precisions))
    if training:
        case["optimizer"] = optimizer(draw)
        if case.get("master") and case["optimizer"]["name"] in NO_MASTER_WEIGHTS:
            del case["master"]
            case["precision"] = "bf16"
        if draw.random() < 0.2:
            case["clip"] = 1.0
        if draw.random() < 0.15:
            case["hold_outputs"] = True
    if case["source"] == "transformers" and case.get("attn"):
        case["attn"] = draw.choice((*ATTENTION, "sdpa_flash"))
        case["ckpt"] = training and draw.random() < 0.25
        if case["input"] in PADDABLE and case["attn"] != "sdpa_flash" and draw.random() < 0.25:
            case["mask"] = "padded"
    case["batch"] = draw.choice([1, 2, 3, 4, 8, 16])
    for length in ("seq", "tgt"):
        if case.get(length):
            case[length] = draw.choice([64, 100, 128, 256, 384, 512])
    return case


def at_random(rows, seed, count):
    draw = random.Random(seed)
    networks = {}
    for case, _ in rows:
        networks.setdefault((network(case), case["mode"], bool(case.get("lora"))), case)
    keys = sorted(networks)
    for place in range(count):
        case = drawn(draw, networks[draw.choice(keys)])
        yield f"r{seed}-{place}-{network(case)}-{case['mode']}", case


def smallest(rows, kind):
    """The case with the fewest parameters of each kind, in their order; a case may be of none."""
    found = {}
    for case, parameters in rows:
        key = kind(case)
        if key is not None and (key not in found or parameters < found[key][1]):
            found[key] = (case, parameters)
    return [(key, case) for key, (case, _) in sorted(found.items())]


def grid(rows):
    """The smallest network of each kind in every kernel of attention and three precisions; padding and checkpointing by
    turns."""
    def kind(case):
        return str(case.get("config_class") or case.get("model")), case["mode"], bool(case.get("lora"))

    place = 0
    for (_, mode, lora), case in smallest(rows, kind):
        kernels = ATTENTION if case["source"] == "transformers" else ("sdpa_auto",)
        for attention, precision in itertools.product(kernels, ("bf16", "fp16", "amp_bf16")):
            place += 1
            new = plain(case)
            with_precision(new, precision)
            new.update(attn=attention, batch=3)
            if mode == "train":
                new.update(optimizer={"name": "sgd"}, ckpt=place % 5 == 0)
            if new.get("seq"):
                new["seq"] = 100 if place % 3 else 256
            if new["input"] in PADDABLE and place % 2:
                new["mask"] = "padded"
            yield f"g{place}-{network(new)}-{'lora' if lora else mode}-{precision}-{attention}", new


def linear_layers(case):
    """Names of the linear layers in the blocks of a network, which is built without memory of its own."""
    with torch.device("meta"):
        network = from_transformers(case)
    names = [name for name, module in network.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D))]
    # Blocks are numbered; what stands outside of them is a head.
    return sorted({name.rpartition(".")[2] for name in names if re.search(r"\.\d+\.", name)})


def adapters(rows):
    """The smallest network of each kind in transformers with adapters on each linear layer of its blocks alone, then on
    all but that; precisions and checkpointing by turns."""
    def kind(case):
        fits = case["source"] == "transformers" and case["mode"] == "train" and case["input"] in TASKS
        return (case["config_class"], case["input"]) if fits else None

    place = 0
    for (_, form), case in smallest(rows, kind):
        layers = linear_layers(case)
        sets = [[layer] for layer in layers] + [[other for other in layers if other != layer] for layer in layers]
        for targets in sets:
            if not targets:
                continue
            place += 1
            new = plain(case)
            precision = ("fp32", "bf16", "amp_bf16")[place % 3]
            with_precision(new, precision)
            kernel = "eager" if place % 5 == 0 or case["attn"] == "eager" else "sdpa_auto"
            new.update(batch=2, optimizer={"name": "adamw"}, ckpt=place % 4 == 0, attn=kernel)
            new["family"] = "lora"
            new["lora"] = {"r": 8, "alpha": 16, "dropout": 0.0, "targets": targets, "task": TASKS[form]}
            for length in ("seq", "tgt"):
                if new.get(length):
                    new[length] = 100
            yield f"a{place}-{network(new)}-{form}-{precision}-{targets[0] if len(targets) == 1 else 'rest'}", new


def choices(case):
    """What may stand in each field of a configuration: the flags, rates and activations of its class, fewer heads of keys
    and values."""
    config = getattr(transformers, case["config_class"])(**case["config"])
    of_any = set(transformers.PreTrainedConfig().to_dict()) - {"tie_word_embeddings"}
    found = {}
    for field, value in config.to_dict().items():
        if field in of_any | NOT_OF_THE_NETWORK:
            continue
        if isinstance(value, bool):
            found[field] = (False, True)
        elif isinstance(value, float) and "drop" in field and "layerdrop" not in field:
            found[field] = (0.0, 0.1)
        elif field in ("hidden_act", "hidden_activation", "activation_function", "activation"):
            found[field] = ACTIVATIONS
    heads = case["config"].get("num_attention_heads")
    if "num_key_value_heads" in case["config"]:
        found["num_key_value_heads"] = [count for count in (1, 2, 4, heads) if heads % count == 0]
    return found


def mixed(rows, seed, count):
    """The smallest networks of each kind in transformers, with everything drawn at once: fields of the configuration,
    adapters, the loss, micro-batches, and what `random` draws. Some cannot run."""
    def kind(case):
        fits = case["source"] == "transformers" and not case.get("lora")
        return (case["config_class"], case["model_class"], case["mode"]) if fits else None

    draw = random.Random(seed)
    networks = smallest(rows, kind)
    for place in range(count):
        _, case = draw.choice(networks)
        case = plain(case)
        fields = choices(case)
        for field in draw.sample(sorted(fields), min(len(fields), draw.choice([0, 1, 2, 3]))):
            case["config"][field] = draw.choice(fields[field])
        training = case["mode"] == "train"
        if training and case["input"] in TASKS and draw.random() < 0.4:
            layers = linear_layers(case)
            case["lora"] = {
                "alpha": 16,
                "targets": sorted(draw.sample(layers, draw.randint(1, len(layers)))),
                "task": TASKS[case["input"]],
                "fp32": draw.random() < 0.7,
            }
            case["family"] = "lora"
        case = drawn(draw, case)
        if training:
            case["accumulation_steps"] = draw.choice([1, 1, 2, 3])
            case["set_to_none"] = draw.random() < 0.7
        if training and TASKS.get(case["input"]) == "SEQ_CLS":
            case["loss"] = draw.choice(sorted(LOSSES))
        yield f"m{seed}-{place}-{network(case)}-{'lora' if case.get('lora') else case['mode']}", case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=("random", "grid", "adapters", "mixed"))
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    rows = list(read(args.rows))
    if args.how in ("random", "mixed"):
        cases = {"random": at_random, "mixed": mixed}[args.how](rows, args.seed, args.count)
    else:
        cases = {"grid": grid, "adapters": adapters}[args.how](rows)
    for name, case in cases:
        print(json.dumps({"id": name, "case": case}))


if __name__ == "__main__":
    main()
