"""Builds the optimizer a case names."""
import torch
from torch.utils._pytree import tree_leaves

TORCH = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adafactor": "Adafactor",
    "adadelta": "Adadelta",
    "adamax": "Adamax",
    "nadam": "NAdam",
    "radam": "RAdam",
}
PASSED_ON = ("foreach", "fused", "amsgrad", "momentum", "centered", "nesterov")


class Lion(torch.optim.Optimizer):
    """Lion (Chen and others, 2023), one parameter at a time: each step is the sign of momentum mixed with gradient."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (keep_now, keep_later) = group["lr"], group["betas"]
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                state = self.state[param]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(param)
                momentum = state["momentum"]
                param.mul_(1 - lr * group["weight_decay"])
                direction = momentum.clone().mul_(keep_now).add_(grad, alpha=1 - keep_now).sign_()
                param.add_(direction, alpha=-lr)
                momentum.mul_(keep_later).add_(grad, alpha=1 - keep_later)


class MuonAndAdamW:
    """Muon for matrices, AdamW for the rest, as its authors advise."""

    def __init__(self, params):
        matrices = [p for p in params if p.ndim == 2]
        others = [p for p in params if p.ndim != 2]
        self.parts = [torch.optim.Muon(matrices)]
        if others:
            self.parts.append(torch.optim.AdamW(others))

    @property
    def param_groups(self):
        return [group for part in self.parts for group in part.param_groups]

    @property
    def state(self):
        return {param: state for part in self.parts for param, state in part.state.items()}

    def step(self):
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none=True):
        for part in self.parts:
            part.zero_grad(set_to_none)


class MasterWeights:
    """Low precision weights with FP32 copies: gradients are cast one by one, the step runs on the copies, and the
    weights are cast back one by one."""

    def __init__(self, params, choose):
        self.params = params
        self.masters = [p.detach().float().requires_grad_() for p in params]
        self.inner = choose(self.masters)

    param_groups = property(lambda self: self.inner.param_groups)
    state = property(lambda self: self.inner.state)

    def step(self):
        for master, param in zip(self.masters, self.params):
            if param.grad is not None:
                master.grad = param.grad.float()
                param.grad = None
        self.inner.step()
        for master, param in zip(self.masters, self.params):
            param.data.copy_(master.data)
            master.grad = None

    def zero_grad(self, set_to_none=True):
        for param in self.params:
            param.grad = None


def build_optimizer(case, network):
    chosen = case["optimizer"]
    name = chosen["name"]
    options = {key: chosen[key] for key in PASSED_ON if chosen.get(key) is not None}

    def choose(params):
        if name == "lion":
            return Lion(params)
        if name == "muon":
            return MuonAndAdamW(params)
        if name == "lamb":
            from timm.optim import Lamb

            return Lamb(params, **options)
        if name == "adam8bit":
            from bitsandbytes.optim import Adam8bit

            return Adam8bit(params)
        if name == "hf_adafactor":
            from transformers.optimization import Adafactor

            return Adafactor(params, lr=None, scale_parameter=True, relative_step=True, warmup_init=False)
        return getattr(torch.optim, TORCH[name])(params, lr=1e-3, **options)

    trained = [p for p in network.parameters() if p.requires_grad]
    return MasterWeights(trained, choose) if case.get("master") == "fp32" else choose(trained)


def optimizer_tensors(optimizer):
    held = [leaf for state in optimizer.state.values() for leaf in tree_leaves(state)]
    return [leaf for leaf in held if isinstance(leaf, torch.Tensor)] + list(getattr(optimizer, "masters", []))
