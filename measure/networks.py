"""Builds what a case names: the network, a batch for it, and the loss an ordinary training script would take."""
import functools

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "fp64": torch.float64}
# the loss of networks that end in one label per sample: what transformers calls it, and the function itself
LOSSES = {
    "cross_entropy": ("single_label_classification", F.cross_entropy),
    "mse": ("regression", F.mse_loss),
    "bce_with_logits": ("multi_label_classification", F.binary_cross_entropy_with_logits),
}
# modules that a script checkpoints where transformers checkpoints none
BLOCKS = {"AlbertLayerGroup"}
TOKEN_INPUTS = {"lm", "mlm", "cls", "seq2seq"}
WORDS_IN_USE = 997  # fewer than any vocabulary here; a text of one word only would send it all to the same experts


def param_dtype(case):
    return DTYPES[case.get("param_dtype", "fp32")]


# ---- networks that no library has


def perceptron(sizes, act="relu", bias=True, dropout=0.0, norm=None):
    """Linear layers of these widths; after each but the last: batch norm, activation, dropout, as asked."""
    activations = {
        "relu": nn.ReLU,
        "relu_": lambda: nn.ReLU(inplace=True),
        "gelu": nn.GELU,
        "tanh": nn.Tanh,
    }
    stages = [nn.Linear(sizes[0], sizes[1], bias=bias)]
    for width_in, width_out in zip(sizes[1:], sizes[2:]):
        if norm == "bn":
            stages.append(nn.BatchNorm1d(width_in))
        stages.append(activations[act]())
        if dropout:
            stages.append(nn.Dropout(dropout))
        stages.append(nn.Linear(width_in, width_out, bias=bias))
    return nn.Sequential(*stages)


class RecurrentLm(nn.Module):
    """Embedding, LSTM or GRU, projection onto the vocabulary."""

    def __init__(self, vocab, emb, hidden, layers, kind="LSTM", dropout=0.0, tie=False):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.dropout = nn.Dropout(dropout)
        between = dropout if layers > 1 else 0.0
        self.recurrent = getattr(nn, kind)(emb, hidden, layers, batch_first=True, dropout=between)
        self.head = nn.Linear(hidden, vocab)
        if tie:
            self.head.weight = self.embedding.weight

    def forward(self, tokens):
        states, _ = self.recurrent(self.dropout(self.embedding(tokens)))
        return self.head(self.dropout(states))


class ConvNet(nn.Module):
    """Convolution, ReLU and pooling, repeated; then the mean over the picture and a linear head."""

    def __init__(self, cin, channels, k=3, num_classes=10, pool=True):
        super().__init__()
        stages = []
        for width_in, width_out in zip([cin, *channels], channels):
            stages += [nn.Conv2d(width_in, width_out, k, padding=k // 2), nn.ReLU()]
            if pool:
                stages.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*stages)
        self.head = nn.Linear(channels[-1], num_classes)

    def forward(self, picture):
        return self.head(self.features(picture).mean((2, 3)))


class UNet(nn.Module):
    """The U-Net of Ronneberger and others (2015), padded, with batch norm."""

    def __init__(self, cin=3, classes=2, base=64, depth=4):
        super().__init__()
        widths = [base << level for level in range(depth + 1)]
        self.encoders = nn.ModuleList(self._pair(a, b) for a, b in zip([cin, *widths], widths))
        falling = list(zip(widths[:0:-1], widths[-2::-1]))
        self.upsamplers = nn.ModuleList(nn.ConvTranspose2d(wide, narrow, 2, 2) for wide, narrow in falling)
        self.decoders = nn.ModuleList(self._pair(2 * narrow, narrow) for _, narrow in falling)
        self.head = nn.Conv2d(base, classes, 1)

    @staticmethod
    def _pair(width_in, width_out):
        def unit(a):
            return nn.Conv2d(a, width_out, 3, padding=1), nn.BatchNorm2d(width_out), nn.ReLU(inplace=True)

        return nn.Sequential(*unit(width_in), *unit(width_out))

    def forward(self, x):
        x = self.encoders[0](x)
        skipped = [x]
        for encode in self.encoders[1:]:
            x = encode(F.max_pool2d(x, 2))
            skipped.append(x)
        skipped.pop()
        for upsample, decode in zip(self.upsamplers, self.decoders):
            x = decode(torch.cat([skipped.pop(), upsample(x)], 1))
        return self.head(x)


CUSTOM = {"MLP": perceptron, "LM": RecurrentLm, "ConvNet": ConvNet, "UNet": UNet}


# ---- case -> network


def from_transformers(case):
    import transformers

    config = getattr(transformers, case["config_class"])(**case.get("config", {}))
    if case.get("loss"):
        config.problem_type, _ = LOSSES[case["loss"]]
    options = {"attn_implementation": "eager" if case.get("attn") == "eager" else "sdpa", "dtype": param_dtype(case)}
    if case.get("experts"):
        config._experts_implementation = options["experts_implementation"] = case["experts"]
    before = torch.get_default_dtype()
    try:
        network = getattr(transformers, case["model_class"])._from_config(config, **options)
    finally:
        torch.set_default_dtype(before)
    if case.get("config", {}).get("separate_lm_head"):
        # what from_pretrained leaves of weights that hold another head than the one which the class would tie
        network.lm_head.weight = nn.Parameter(torch.empty_like(network.lm_head.weight).normal_())
    return network


def from_torchvision(case):
    from torchvision import models

    name, options = case["model"], dict(case.get("config", {}), weights=None)
    shelf = models
    if name.startswith(("fcn_", "deeplabv3_", "lraspp_")):
        shelf = models.segmentation
        options.setdefault("weights_backbone", None)
    return getattr(shelf, name)(**options)


def from_timm(case):
    import timm

    return timm.create_model(case["model"], pretrained=False, **case.get("config", {}))


def from_diffusers(case):
    import diffusers

    return getattr(diffusers, case["model_class"])(**case["config"])


def from_here(case):
    return CUSTOM[case["model_class"]](**case["config"])


SOURCES = {
    "transformers": from_transformers,
    "torchvision": from_torchvision,
    "timm": from_timm,
    "diffusers": from_diffusers,
    "custom": from_here,
}


def build_network(case, device):
    with torch.device(device):
        network = SOURCES[case["source"]](case)
    if next(network.parameters()).dtype != param_dtype(case):
        network = network.to(param_dtype(case))
    if case.get("channels_last"):
        network = network.to(memory_format=torch.channels_last)
    if case.get("lora"):
        network = with_adapters(network, case["lora"])
    if case.get("ckpt"):
        checkpoint_blocks(network, case)
    return network


def with_adapters(network, lora):
    import peft

    rank = lora["r"]
    return peft.get_peft_model(
        network,
        peft.LoraConfig(
            r=rank,
            lora_alpha=lora.get("alpha", 2 * rank),
            lora_dropout=lora.get("dropout", 0.0),
            target_modules=lora["targets"],
            modules_to_save=lora.get("saved"),
            bias="none",
            task_type=lora.get("task", "CAUSAL_LM"),
        ),
        autocast_adapter_dtype=lora.get("fp32", True),
    )


def checkpoint_blocks(network, case):
    if case["source"] == "transformers":
        if network.supports_gradient_checkpointing:
            network.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        else:
            checkpoint_by_hand(network)
        if case.get("lora"):  # otherwise nothing that enters a block asks for a gradient
            network.enable_input_require_grads()
    elif case["source"] == "timm":
        network.set_grad_checkpointing(True)
    else:
        raise ValueError(f"no checkpointing for networks from {case['source']}")


def checkpoint_by_hand(network):
    """What a script does where transformers checkpoints nothing."""
    blocks = [module for module in network.modules() if type(module).__name__ in BLOCKS]
    if not blocks:
        raise ValueError(f"no blocks to checkpoint in {type(network).__name__}")
    for block in blocks:
        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)


# ---- case -> batch


def classes(case):
    """Logits of each sample, where the network ends in one label per sample."""
    config = case.get("config", {})
    if "sizes" in config:
        return config["sizes"][-1]
    if case["source"] == "transformers":
        return config.get("num_labels", 2)
    return config.get("num_classes", 1000)


def build_batch(case, device):
    """The batch as it stands on the device when the forward pass begins. Token ids and classes are 64 bit; pictures, and
    labels that are numbers, have the dtype of the parameters."""
    size, kind, training = case["batch"], case["input"], case["mode"] == "train"
    dtype = param_dtype(case)

    def tokens(*shape):
        return torch.zeros(size, *shape, dtype=torch.long, device=device)

    def label():
        if case.get("loss", "cross_entropy") == "cross_entropy":
            return tokens()
        return torch.zeros(size, classes(case), dtype=dtype, device=device)

    def text():
        ids = torch.arange(size * case["seq"]) % WORDS_IN_USE
        return ids.view(size, case["seq"]).to(device)

    if kind in TOKEN_INPUTS:
        batch = {"input_ids": text()}
        if case.get("mask") == "padded" and kind != "seq2seq":
            mask = tokens(case["seq"])
            mask[:, : -(-case["seq"] // 2)] = 1
            batch["attention_mask"] = mask
        target = case.get("tgt", case["seq"]) if kind == "seq2seq" else case["seq"]
        if training:
            batch["labels"] = label() if kind == "cls" else tokens(target)
        elif kind == "seq2seq":
            batch["decoder_input_ids"] = tokens(case.get("tgt", 1))
        return batch
    if kind == "rnn":
        return {"x": text(), "y": tokens(case["seq"])}
    if kind == "vector":
        return {"x": torch.zeros(size, case["features"], dtype=dtype, device=device), "y": label()}

    side = case["image"]
    picture = torch.zeros(size, case.get("channels", 3), side, side, dtype=dtype, device=device)
    if case.get("channels_last"):
        picture = picture.to(memory_format=torch.channels_last)
    if kind == "unet_sd":
        context = torch.zeros(size, case["ctx_len"], case["ctx_dim"], dtype=dtype, device=device)
        return {"sample": picture, "timestep": tokens(), "context": context, "target": torch.zeros_like(picture)}
    return {"x": picture, "y": tokens(side, side) if kind == "seg" else label()}


# ---- forward


def training_loss(case, network, batch):
    """(loss, what the network returned). Networks of transformers take their own loss; others get the case's, cross
    entropy where it names none."""
    kind = case["input"]
    if kind in TOKEN_INPUTS:
        options = {"use_cache": False} if kind in ("lm", "seq2seq") else {}
        returned = network(**batch, **options)
        return returned.loss, returned
    if kind == "hf_image":
        returned = network(pixel_values=batch["x"], labels=batch["y"])
        return returned.loss, returned
    if kind == "unet_sd":
        returned = network(batch["sample"], batch["timestep"], batch["context"]).sample
        return F.mse_loss(returned.float(), batch["target"].float()), returned
    returned = network(batch["x"])
    if isinstance(returned, dict):
        returned = returned["out"]
    returned = getattr(returned, "logits", returned)
    if kind == "rnn":
        return F.cross_entropy(returned.flatten(0, 1), batch["y"].flatten()), returned
    _, loss = LOSSES[case.get("loss", "cross_entropy")]
    return loss(returned, batch["y"]), returned


def plain_forward(case, network, batch):
    """The forward pass of inference: a prefill where the network is a decoder."""
    kind = case["input"]
    if kind == "lm":
        options = {"use_cache": bool(case.get("use_cache", True))}
        if case.get("logits", "full") == "last":
            options["logits_to_keep"] = 1
        return network(**batch, **options)
    if kind in TOKEN_INPUTS:
        return network(**batch)
    if kind == "hf_image":
        return network(pixel_values=batch["x"])
    if kind == "unet_sd":
        return network(batch["sample"], batch["timestep"], batch["context"])
    return network(batch["x"])
