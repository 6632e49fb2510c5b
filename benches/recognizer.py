"""The other side of `recognizer.rs`: PaddleOCR-VL in transformers on the CPU.

Started with a checkpoint folder, fp32 or bf16, and a number of threads. Reads one job a line and answers each with its
seconds: `vision ROWS COLUMNS`, `prefill TOKENS`, `decode ROWS PAST` (one step), `memory` (peak in MB).
"""

import resource
import sys
import time

import torch
from transformers import PaddleOCRVLForConditionalGeneration

folder, kind, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
start = time.perf_counter()
model = PaddleOCRVLForConditionalGeneration.from_pretrained(
    folder, dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[kind], attn_implementation="sdpa"
).eval()
print(f"{time.perf_counter() - start:.3f}", flush=True)
hidden, dtype = model.config.text_config.hidden_size, model.dtype
caches = {}


def positions(rows, first, count):
    return torch.arange(first, first + count).expand(3, rows, count)


@torch.no_grad()
def run(job, numbers):
    if job == "vision":
        rows, columns = numbers
        pixels = torch.full((rows * columns, 3, 14, 14), 0.1, dtype=dtype)
        model.model.get_image_features(pixels, torch.tensor([[1, rows, columns]]), return_dict=True)
        return
    text = model.model.language_model
    if job == "prefill":
        x = torch.full((1, numbers[0], hidden), 0.02, dtype=dtype)
        out = text(inputs_embeds=x, position_ids=positions(1, 0, numbers[0]), use_cache=True)
        model.lm_head(out.last_hidden_state[:, -1]).argmax(-1)
        return
    rows, past = numbers
    if (rows, past) not in caches:
        x = torch.full((rows, past, hidden), 0.02, dtype=dtype)
        out = text(inputs_embeds=x, position_ids=positions(rows, 0, past), use_cache=True)
        caches[rows, past] = out.past_key_values
    cache = caches[rows, past]
    x = torch.full((rows, 1, hidden), 0.02, dtype=dtype)
    begin = time.perf_counter()
    out = text(inputs_embeds=x, position_ids=positions(rows, past, 1), past_key_values=cache, use_cache=True)
    model.lm_head(out.last_hidden_state[:, -1]).argmax(-1)
    elapsed = time.perf_counter() - begin
    cache.crop(-1)
    return elapsed


for line in sys.stdin:
    job, *numbers = line.split()
    if job == "memory":
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}", flush=True)
        continue
    begin = time.perf_counter()
    elapsed = run(job, [int(n) for n in numbers])
    print(f"{elapsed or time.perf_counter() - begin:.6f}", flush=True)
