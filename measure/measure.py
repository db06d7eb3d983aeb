"""Measures cases and adds rows: see README.md beside this file.

usage: python measure.py CASES.jsonl ROWS.jsonl [--only REGEX]"""
import argparse
import importlib
import importlib.metadata
import json
import multiprocessing
import os
import re
import sys
import traceback
import warnings
from pathlib import Path
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
warnings.filterwarnings("ignore")

import torch

import null_gpu
from runs import run_inference, run_training

LIBRARIES = ("torch", "torchvision", "transformers", "timm", "peft", "diffusers", "accelerate", "bitsandbytes")
CONVOLUTIONS = {"image", "hf_image", "seg", "unet_sd"}


def read_cases(path):
    """(id, case) of each line: {"id": ..., "case": {...}}, or a case that holds its id. A file of rows will do."""
    for line in Path(path).read_text().splitlines():
        if line.strip():
            record = json.loads(line)
            case = dict(record.get("case", record))
            yield record["id"], {key: value for key, value in case.items() if key != "id"}


def versions():
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            pass
    found["device"] = torch.cuda.get_device_name()
    found["capability"] = list(torch.cuda.get_device_capability())
    return found


def fidelity(case):
    if not null_gpu.present():
        return "high"
    if case["input"] == "rnn":
        return "low: cuDNN RNN reserve and workspace are guesses without a GPU"
    if case["input"] in CONVOLUTIONS:
        return "medium: cuDNN convolution workspace counted as 0"
    return "high"


def measure(name, case):
    torch.set_num_threads(1)
    if null_gpu.present():
        null_gpu.answer_for_the_device(case)
    truth, detail = run_training(case) if case["mode"] == "train" else run_inference(case)
    return {
        "id": name,
        "fidelity": fidelity(case),
        "case": case,
        "truth": truth,
        "detail": detail,
        "versions": versions(),
    }


def child(name, case, answer):
    try:
        answer.send(measure(name, case))
    except Exception as error:
        answer.send({"id": name, "case": case, "error": repr(error)[:400], "trace": traceback.format_exc()[-2000:]})


def in_a_process_of_its_own(name, case):
    """No leak, workspace or cached block of one case is met by the next."""
    forking = multiprocessing.get_context("fork")
    ours, theirs = forking.Pipe(duplex=False)
    process = forking.Process(target=child, args=(name, case, theirs))
    process.start()
    theirs.close()
    try:
        row = ours.recv()
    except EOFError:
        row = {"id": name, "case": case, "error": "the process died"}
    process.join()
    return row


def import_libraries(cases):
    """Imports, once and before forking, what the cases need. A library that counts devices while it is imported would
    start the CUDA driver, which no fork survives; so it is told that there is one. bitsandbytes asks for more, and peft
    for bitsandbytes, so that is hidden: a case that needs it imports it after the fork."""
    sys.modules["bitsandbytes"] = None
    with mock.patch.object(torch._C, "_cuda_getDeviceCount", return_value=1):
        for case in cases:
            if case["source"] != "custom":
                library = importlib.import_module(case["source"])
                for name in ("config_class", "model_class"):
                    if name in case:
                        getattr(library, case[name])
            if case.get("lora"):
                importlib.import_module("peft")
    del sys.modules["bitsandbytes"]


def main():
    arguments = argparse.ArgumentParser(description="Measures cases and adds rows.")
    arguments.add_argument("cases", help="JSON lines: cases, or rows that hold cases")
    arguments.add_argument("rows", help="where rows are added; ids that stand there are skipped")
    arguments.add_argument("--only", metavar="REGEX", default="", help="only ids in which this is found")
    asked = arguments.parse_args()

    rows = Path(asked.rows)
    done = {name for name, _ in read_cases(rows)} if rows.exists() else set()
    waiting = [(n, c) for n, c in read_cases(asked.cases) if n not in done and re.search(asked.only, n)]
    import_libraries(case for _, case in waiting)

    failed = 0
    with rows.open("a") as out:
        for name, case in waiting:
            row = in_a_process_of_its_own(name, case)
            if "error" in row:
                failed += 1
                print(f"{name}: {row['error']}", file=sys.stderr, flush=True)
                continue
            print(json.dumps(row), file=out, flush=True)
            truth = row["truth"]
            print(f"{name}: peak {truth['peak_alloc'] / 2**20:,.1f} MiB in {truth['peak_phase']}", flush=True)
    print(f"{len(waiting) - failed} measured, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
