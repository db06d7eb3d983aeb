"""What the allocator does in a case's run, one after another, and where two such histories differ: see README.md beside
this file.

usage: python history.py record CASES.jsonl ID > HISTORY
       python history.py compare ESTIMATED MEASURED [--at-least BYTES] [--pass NUMBER]"""
import argparse
import difflib
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 512  # the allocator gives whole blocks of so many bytes
CONTEXT = 4  # events shown around a difference


# ---- recording


def caller(frames):
    """The innermost place in the code of a network, a library or PyTorch's optimizers: "file.py:line function"."""
    for frame in frames:
        path = Path(frame["filename"])
        if path.suffix == ".py" and ("torch" not in path.parts or "optim" in path.parts):
            return f"{path.name}:{frame['line']} {frame['name']}"
    return ""


def record(case, out):
    """Runs a case as measure.py does, without its ledger, and writes down every allocation."""
    import gc

    import torch

    import null_gpu
    import runs

    torch.set_num_threads(1)
    if null_gpu.present():
        null_gpu.answer_for_the_device(case)
    history = torch.cuda.memory._record_memory_history
    history(context="alloc", stacks="python", max_entries=10_000_000)
    begins = {}  # events so far -> what begins there

    def begin(what="pass"):
        begins[len(torch.cuda.memory._snapshot()["device_traces"][0])] = what

    def train():
        training = runs.Training(case)
        batches, seen = case.get("accumulation_steps", 1), 0

        def at(border):
            nonlocal seen
            if border == "begin":
                # The engine plays the first micro-batch and the last one.
                between = 0 < seen % batches < batches - 1
                begin("pass between" if between else "pass")
                seen += 1

        with runs.attention(case):
            for iteration in range(2):
                training.iterate(at)
                if iteration == 0 and not case.get("hold_outputs"):
                    training.outputs = None
        return training

    def infer():
        inference, outputs = runs.Inference(case), None
        with runs.attention(case):
            for _ in range(2):
                outputs = None
                gc.collect()
                begin()
                outputs = inference.forward()
            past = inference.past(outputs)
            outputs = None
            if past is not None:
                begin()
                outputs = inference.decode(past)
        return inference, past, outputs

    held = train() if case["mode"] == "train" else infer()
    events = torch.cuda.memory._snapshot()["device_traces"][0]
    history(enabled=None)
    blocks = {}  # address -> number and caller of the block that is there
    for place, event in enumerate(events):
        if place in begins:
            print(begins[place], file=out)
        rounded = -(-event["size"] // BLOCK) * BLOCK
        action = event["action"]
        if action == "alloc":
            blocks[event["addr"]] = f"#{place} {caller(event.get('frames', ()))}"
            print("+", rounded, blocks[event["addr"]], file=out)
        elif action == "free_requested":
            print("-", rounded, blocks.pop(event["addr"], f"#{place}"), file=out)
        elif action == "segment_alloc":
            print("segment", event["size"], file=out)
        elif action == "segment_free":
            print("segment", -event["size"], file=out)
    out.flush()
    del held


# ---- comparing


@dataclass
class Pass:
    events: list = field(default_factory=list)  # (signed bytes, number of the block, what)
    segments: int = 0


def read(path, at_least):
    """The passes of a history; the first one is what stands before the run."""
    passes, kept = [Pass()], True
    for line in Path(path).read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "pass":
            kept = rest != "between"
            if kept:
                passes.append(Pass())
        elif kind == "segment":
            passes[-1].segments += int(rest)
        elif kept and kind in "+-":
            size, number, *what = rest.split()
            if int(size) >= at_least:
                passes[-1].events.append((int(kind + size), number, " ".join(what)))
    standing = defaultdict(list)  # bytes -> numbers of the blocks that stand, the latest last
    for each in passes:
        each.events = told_apart(each.events, standing)
    return passes


def told_apart(events, standing):
    """(signed bytes, how many of that size came later and stand, what) of each event: two histories free the same blocks
    where these are equal. Blocks that go between two allocations go in one order: it decides nothing."""
    ordered, going = [], []

    def go():
        left = []
        for size, number, what in going:
            alike = standing[-size]
            place = alike.index(number) if number in alike else -1
            left.append((size, len(alike) - 1 - place, what))
        for size, number, _ in going:
            if number in standing[-size]:
                standing[-size].remove(number)
        ordered.extend(sorted(left))
        going.clear()

    for event in events:
        size, number, what = event
        if size < 0:
            going.append(event)
        else:
            go()
            standing[size].append(number)
            ordered.append((size, 0, what))
    go()
    return ordered


def compare(estimated, measured, only, out):
    """Prints where they differ; returns how many events do."""
    differing = 0
    if len(estimated) != len(measured):
        print(f"{len(estimated) - 1} passes are estimated, {len(measured) - 1} measured", file=out)
        differing += 1
    for number, (ours, theirs) in enumerate(zip(estimated, measured)):
        if only is not None and number != only:
            continue
        sizes = [[(size, later) for size, later, _ in side.events] for side in (ours, theirs)]
        hunks = difflib.SequenceMatcher(None, *sizes, autojunk=False).get_opcodes()
        off = sum(max(b - a, d - c) for tag, a, b, c, d in hunks if tag != "equal")
        differing += off
        name = "before the run" if number == 0 else f"pass {number}"
        print(
            f"== {name}: {len(sizes[0])} events estimated, {len(sizes[1])} measured, {off} differ; "
            f"segments {ours.segments / 2**20:,.0f} MiB and {theirs.segments / 2**20:,.0f}",
            file=out,
        )
        for tag, a, b, c, d in hunks:
            if tag == "equal":
                continue
            print(f"-- at {a} and {c}", file=out)
            show(ours.events, a, b, "estimated", out)
            show(theirs.events, c, d, "measured", out)
    return differing


def show(events, start, end, side, out):
    print(f"   {side}:", file=out)
    for place in range(max(0, start - CONTEXT), min(len(events), end + CONTEXT)):
        size, later, what = events[place]
        mark = ">" if start <= place < end else " "
        which = f" (before {later} like it)" if later else ""
        print(f"   {mark} {size:+,} {what}{which}", file=out)


def main():
    arguments = argparse.ArgumentParser(description="What the allocator does, one after another.")
    verbs = arguments.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="run a case and print PyTorch's history of it")
    recording.add_argument("cases", help="JSON lines: cases, or rows that hold cases")
    recording.add_argument("id")
    comparing = verbs.add_parser("compare", help="print where two histories differ")
    comparing.add_argument("estimated", help="of the engine: cargo run --example accuracy -- --history ID ROWS.jsonl")
    comparing.add_argument("measured", help="of record")
    comparing.add_argument("--at-least", type=int, default=0, metavar="BYTES", help="leave smaller blocks out")
    comparing.add_argument("--pass", type=int, dest="only", metavar="NUMBER", help="this pass alone; 0 stands before it")
    asked = arguments.parse_args()

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads, such as head, has read enough
    if asked.verb == "compare":
        estimated, measured = (read(path, asked.at_least) for path in (asked.estimated, asked.measured))
        return 1 if compare(estimated, measured, asked.only, sys.stdout) else 0

    from measure import import_libraries, read_cases

    cases = dict(read_cases(asked.cases))
    if asked.id not in cases:
        print(f"no case {asked.id}", file=sys.stderr)
        return 2
    import_libraries([cases[asked.id]])
    record(cases[asked.id], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
