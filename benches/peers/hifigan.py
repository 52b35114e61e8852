"""Whole HiFi-GAN generators: ours, PyTorch and onnxruntime on the same random weights, in one run.

    cargo bench -p syrinx-vocoder --bench hifigan --no-run      # builds the Rust side
    python benches/peers/hifigan.py [--threads 1 2] [--model v1 v2] [--frames 100] [--runs 15]

Needs torch, onnx, onnxruntime, safetensors, numpy. The three run in turn, so that whatever else the
machine is doing falls on all of them; the table gives the best wall time of each, the best CPU time
(all threads, steadier on a busy machine), and ours as a ratio to the faster of the two others.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
FIRST_CHANNELS = {"v1": 512, "v2": 128}
HOP, RATE = 256, 22050


class ResBlock(nn.Module):
    def __init__(self, channels, taps):
        super().__init__()
        conv = lambda d: nn.Conv1d(channels, channels, taps, dilation=d, padding=d * (taps - 1) // 2)
        self.convs1 = nn.ModuleList(conv(d) for d in (1, 3, 5))
        self.convs2 = nn.ModuleList(conv(1) for _ in range(3))

    def forward(self, x):
        for dilated, plain in zip(self.convs1, self.convs2):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, 0.1)), 0.1))
        return x


class Generator(nn.Module):
    """Kong et al. 2020, V1 and V2, after weight norm has been removed."""

    def __init__(self, first):
        super().__init__()
        self.conv_pre = nn.Conv1d(80, first, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        channels = first
        for stride, taps in ((8, 16), (8, 16), (2, 4), (2, 4)):
            self.ups.append(
                nn.ConvTranspose1d(channels, channels // 2, taps, stride, padding=(taps - stride) // 2)
            )
            channels //= 2
            self.resblocks.extend(ResBlock(channels, k) for k in (3, 7, 11))
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, x):
        x = self.conv_pre(x)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[3 * i : 3 * i + 3]) / 3
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.01)))


class Ours:
    """The bench binary, one run per line sent to it."""

    def __init__(self, binary, model, weights, threads, out):
        command = [binary, model, weights, str(threads), out]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline().strip()
        self.wave = np.fromfile(out, dtype=np.float32)

    def __call__(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        wall, cpu = map(float, self.process.stdout.readline().split())
        return wall, cpu

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(run):
    def once():
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        return time.perf_counter() - wall, time.process_time() - cpu

    return once


def newest_binary():
    command = "cargo bench -p syrinx-vocoder --bench hifigan --no-run --message-format json".split()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    messages = map(json.loads, done.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable"))


def compare(name, threads, frames, runs, binary, folder):
    import onnxruntime
    from safetensors.torch import save_file

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    model = Generator(FIRST_CHANNELS[name]).eval()
    mel = torch.randn(1, 80, frames)
    weights, graph = str(folder / f"{name}.safetensors"), str(folder / f"{name}.onnx")
    save_file({**model.state_dict(), "mel": mel}, weights)
    with torch.inference_mode():
        expected = model(mel)
        torch.onnx.export(model, (mel,), graph, dynamo=False, input_names=["mel"], output_names=["wave"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feed = {"mel": mel.numpy()}

    def torch_run():
        with torch.inference_mode():
            model(mel)

    ours = Ours(binary, name, weights, threads, str(folder / "wave.f32"))
    expected = expected.numpy().ravel()
    error = float(np.abs(ours.wave - expected).max() / np.abs(expected - expected.mean()).max())
    systems = {
        "torch": timed(torch_run),
        "onnxruntime": timed(lambda: session.run(None, feed)),
        "ours": ours,
    }
    best = {s: [float("inf"), float("inf")] for s in systems}
    for i in range(runs + 2):
        for system, run in systems.items():
            time.sleep(0.02)  # until the threads of the one before have stopped spinning
            wall, cpu = run()
            if i >= 2:  # the first two warm up
                best[system] = [min(best[system][0], wall), min(best[system][1], cpu)]
    ours.close()
    peers = [min(best["torch"][i], best["onnxruntime"][i]) for i in (0, 1)]
    seconds = frames * HOP / RATE
    for system, (wall, cpu) in best.items():
        print(
            f"| {name.upper()} | {threads} | {system:<11} | {wall * 1e3:8.1f} | {cpu * 1e3:8.1f} "
            f"| {wall / seconds:6.4f} | {wall / peers[0]:5.2f} | {cpu / peers[1]:5.2f} |",
            flush=True,
        )
    print(f"<!-- {ours.ready}; largest difference from torch {error:.1e} of the peak -->", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", nargs="+", default=["v1", "v2"], choices=list(FIRST_CHANNELS))
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--binary", help="bench binary; built with cargo when not given")
    arguments = parser.parse_args()
    binary = arguments.binary or newest_binary()
    print(f"torch {torch.__version__}, Python {sys.version.split()[0]}, {arguments.frames} frames")
    print("| model | threads | system      |  wall ms |   CPU ms |    RTF | wall× | CPU×  |")
    print("|-------|---------|-------------|---------:|---------:|-------:|------:|------:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.model:
            for threads in arguments.threads:
                compare(name, threads, arguments.frames, arguments.runs, binary, Path(folder))


if __name__ == "__main__":
    main()
