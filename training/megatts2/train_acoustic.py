#!/usr/bin/env python3
"""Stage 1: the acoustic autoencoder (content, MRTE, VQ prosody, decoder).

    train_acoustic.py --sets DIR[,DIR...] --out DIR --minutes M [--start FOLDER] [--threads 2]

L1 on the mel, L1 on ln F0, 0.2 x BCE on voicing, 0.25 x commitment, 0.1 x voice classification on the global timbre
vector. The voice of target and references is moved along frequency together, the prosody encoder hears the reading in
another timbre and register, references pass through other microphones. References never contain the target's line. Resumable: DIR/state.pt every two minutes; weights averaged over steps (EMA).
"""
import argparse, copy, json, math, pathlib, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from data import Corpus
from model import Acoustic, STARTER
from shipped import load

WEIGHTS = {"pure": 0.2, "virtual": 0.3, "fast": 0.06, "pseudo": 0.14, "real": 0.3}
REAL_HELD_OUT = set((pathlib.Path(__file__).parent.parent / "real_held_out.txt").read_text().split())

def held_out(x):
    """30 virtual speakers, 20 real ones and every 97th line stay out of training."""
    return x["speaker"] in REAL_HELD_OUT or (x["speaker"].startswith("v_") and int(x["speaker"][2:5]) >= 270) or x["n"] % 97 == 0

def losses(o, b):
    m = torch.arange(b["mel"].shape[2])[None] < b["frames"][:, None]; w = m[:, None] * b["bands"][..., None]; n = w.sum() / 100; d = (o["mel"] - b["mel"]).abs()
    voiced = m & (b["f0"] >= 20); f0 = torch.log(b["f0"].clamp(min=20))
    slope = (torch.diff(o["mel"], dim=2) - torch.diff(b["mel"], dim=2)).abs()
    return {"mel": (d * w).sum() / n / 100, "slope": (slope * w[..., 1:]).sum() / n / 100,
            "f0": ((o["f0"] - f0).abs() * voiced).sum() / voiced.sum(), "voicing": (F.binary_cross_entropy_with_logits(o["voicing"], (b["f0"] >= 20).float(), reduction="none") * m).sum() / m.sum(), "commit": o["commit"]}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sets", required=True); a.add_argument("--out", required=True); a.add_argument("--minutes", type=float, default=60, help="of training in all, over every resumption; the learning rate follows it")
    a.add_argument("--start", help="folder of exported weights to go on from"); a.add_argument("--threads", type=int, default=2); a.add_argument("--frames", type=int, default=3200); a.add_argument("--rate", type=float, default=1.2e-3); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(1); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(o.sets.split(","), held_out, disguised=True); print(len(corpus.items), "utterances", len(corpus.voices), "voices", len(corpus.held), "held out", flush=True)
    model = load(o.start).acoustic if o.start else Acoustic(STARTER); judge = nn.Linear(STARTER["timbre"]["key_channels"], len(corpus.voices)); average = copy.deepcopy(model)
    params = list(model.parameters()) + list(judge.parameters()); opt = torch.optim.AdamW(params, o.rate, betas=(0.9, 0.98), weight_decay=0.01); step = 0; spent = 0.0; state = out / "state.pt"
    if state.exists():
        s = torch.load(state); model.load_state_dict(s["model"]); average.load_state_dict(s["average"]); step, spent = s["step"], s["spent"]
        if s["judge"]["weight"].shape == judge.weight.shape: judge.load_state_dict(s["judge"]); opt.load_state_dict(s["opt"])
        print("resumed at", step, flush=True)
    def save():
        torch.save({"model": model.state_dict(), "average": average.state_dict(), "opt": opt.state_dict(), "judge": judge.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    start = time.process_time(); saved = time.time(); running = {}
    batches = corpus.batches(o.frames, WEIGHTS, 1000 + step)
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        b = next(batches); lr = o.rate * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))
        for g in opt.param_groups: g["lr"] = lr
        model.train(); y = model(b); l = losses(y, b); l["voice"] = F.cross_entropy(judge(y["global"]), b["voice"], ignore_index=-1, reduction="sum") / len(b["voice"])
        total = l["mel"] + 0.5 * l["slope"] + l["f0"] + 0.2 * l["voicing"] + 0.25 * l["commit"] + 0.1 * l["voice"]
        opt.zero_grad(); total.backward(); nn.utils.clip_grad_norm_(params, 1.0); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for p, q in zip(average.parameters(), model.parameters()): p.lerp_(q, 1 - k)
            for p, q in zip(average.buffers(), model.buffers()): p.copy_(q)
        l["used"] = torch.tensor(float((model.prosody.usage > 0.3).sum()))
        for key, v in l.items(): running[key] = 0.97 * running.get(key, float(v.detach())) + 0.03 * float(v.detach())
        if step % 25 == 0: print(step, f"{(spent + time.process_time() - start) / 60:.1f} min lr {lr:.1e}", " ".join(f"{key} {v:.3f}" for key, v in running.items()), flush=True)
        if time.time() - saved > 120: save(); saved = time.time()
    save()

if __name__ == "__main__": main()
