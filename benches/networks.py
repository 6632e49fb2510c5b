"""The other side of the benchmark of networks: the same checkpoint in transformers and PyTorch.

  networks.py FOLDER THREADS

Reads a batch size a line, runs that many pages once, and prints the milliseconds.
"""
import json
import sys
import time

import torch
import transformers

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
config = json.load(open(folder + "/config.json"))
model = getattr(transformers, config["architectures"][0]).from_pretrained(folder, dtype=torch.float32).eval()
size = {"pp_lcnet": (224, 224), "uvdoc": (712, 488)}.get(config["model_type"], (800, 800))
print("ready", flush=True)
for line in sys.stdin:
    pages = torch.rand(int(line), 3, *size, generator=torch.Generator().manual_seed(1))
    start = time.perf_counter()
    model(pixel_values=pages)
    print((time.perf_counter() - start) * 1000, flush=True)
