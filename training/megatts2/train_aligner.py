#!/usr/bin/env python3
"""The aligner: frames to phone posteriors, for durations of recordings whose text is known.

    train_aligner.py --sets DIR[,DIR...] --out DIR --minutes M [--start state.pt]

Cross-entropy per 25 ms unit on the teachers' exact alignments. Inputs are disguised (frequency axis warped, band limited,
filtered, noisy, reverberant), so that real microphones and voices are met; a set of real recordings aligned by an earlier
round (align_real.py) may be among the sets. Resumable: DIR/state.pt every two minutes.
"""
import argparse, copy, math, pathlib, random, sys, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from data import Corpus
from aligner import ALIGNER, Aligner
from disguise import disguise, warp
from train_acoustic import held_out

def crops(corpus, r, n, frames):
    """n random crops [n, 100, frames] and the symbol of each unit [n, frames / 2], -1 outside."""
    mels, labels = torch.full((n, 100, frames), -11.5), torch.full((n, frames // 2), -1)
    for i in range(n):
        u = r.choice(r.choice(corpus.lots)); ids = torch.repeat_interleave(u.ids(), u.units()); a = 2 * r.randint(0, max(0, (u.frames - frames) // 2)); b = min(u.frames, a + frames)
        m = u.mel(a, b).T
        mels[i, :, : b - a] = warp(m, math.exp(r.uniform(-0.22, 0.22))) if r.random() < 0.7 else m; labels[i, : (b - a) // 2] = ids[a // 2: b // 2]
    return disguise(mels, r), labels

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sets", required=True); a.add_argument("--out", required=True); a.add_argument("--start"); a.add_argument("--minutes", type=float, default=10)
    a.add_argument("--threads", type=int, default=1); a.add_argument("--rate", type=float, default=2e-3); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(7); r = random.Random(int(time.time())); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(o.sets.split(","), held_out); lots = {}
    for u in corpus.items: lots.setdefault(corpus.group(u), []).append(u)
    corpus.lots = list(lots.values()); held = Corpus.__new__(Corpus); held.lots = [[u for u in corpus.held if u.voice.startswith("v_")] or corpus.held or corpus.items]
    model = Aligner(**ALIGNER)
    if o.start: model.load_state_dict(torch.load(o.start)["average"])
    count = torch.ones(178)
    for lot in corpus.lots:
        c = torch.zeros(178)
        for u in r.sample(lot, min(400, len(lot))): c.index_add_(0, u.ids(), u.units().float())
        count += 1e4 * c / c.sum()
    model.prior.copy_(count / count.sum()); average = copy.deepcopy(model); opt = torch.optim.AdamW(model.parameters(), o.rate, betas=(0.9, 0.98), weight_decay=0.01); step, spent = 0, 0.0; state = out / "state.pt"
    if state.exists():
        s = torch.load(state); model.load_state_dict(s["model"]); average.load_state_dict(s["average"]); opt.load_state_dict(s["opt"]); step, spent = s["step"], s["spent"]
    def save(): torch.save({"model": model.state_dict(), "average": average.state_dict(), "opt": opt.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    start = time.process_time(); saved = time.time(); running = {}
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        for g in opt.param_groups: g["lr"] = o.rate * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        x, y = crops(corpus, r, 16, 320); p = model(x); loss = F.cross_entropy(p, y, ignore_index=-1, label_smoothing=0.05)
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); step += 1
        hit = (p.argmax(1) == y)[y >= 0].float().mean()
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for q, z in zip(average.parameters(), model.parameters()): q.lerp_(z, 1 - k)
        for key, v in (("loss", loss), ("hit", hit)): running[key] = 0.98 * running.get(key, float(v.detach())) + 0.02 * float(v.detach())
        if step % 100 == 0:
            with torch.no_grad(): x, y = crops(held, random.Random(1), 24, 320); h = (average(x).argmax(1) == y)[y >= 0].float().mean()
            print(step, f"{(spent + time.process_time() - start) / 60:.1f} min", " ".join(f"{key} {v:.3f}" for key, v in running.items()), f"held {h:.3f}", flush=True)
        if time.time() - saved > 60: save(); saved = time.time()
    save()

if __name__ == "__main__": main()
