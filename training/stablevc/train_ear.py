#!/usr/bin/env python3
"""What is said, heard by Whisper's encoder: a small network on its features tells the symbol of each 25 ms.

    train_ear.py --sets DIR[,DIR...] --whisper FOLDER --out FILE.pt --minutes M [--layers 4] [--threads 1]

`ears.py` listens with it to what a converter and its vocoder make. Recordings come at other levels and with a little noise. Held-out figure:
accuracy on people kept out.
"""
import argparse, pathlib, random, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent)]
from data import Corpus
from ears import Sounds
from train_acoustic import held_out

SHARES = {"pure": 0.1, "virtual": 0.25, "fast": 0.05, "pseudo": 0.1, "real": 0.5}
FRAMES = 144

def crops(lots, weights, r, n):
    """n waves [n, FRAMES * 300] and the symbol of each unit [n, FRAMES / 2]."""
    waves, labels = torch.zeros(n, FRAMES * 300), torch.full((n, FRAMES // 2), -1)
    for i in range(n):
        u = r.choice(r.choices(lots, weights)[0]); a = 2 * r.randint(0, max(0, (u.frames - FRAMES) // 2)); b = min(u.frames, a + FRAMES); y = u.audio(a, b)
        waves[i, : len(y)] = (y + torch.randn_like(y) * 10 ** r.uniform(-5, -2)) * 10 ** r.uniform(-0.3, 0.2); labels[i, : (b - a) // 2] = torch.repeat_interleave(u.ids(), u.units())[a // 2: b // 2]
    return waves, labels

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "whisper", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--minutes", type=float, default=6); a.add_argument("--layers", type=int, default=4); a.add_argument("--threads", type=int, default=1); o = a.parse_args(); torch.set_num_threads(o.threads); torch.manual_seed(3); r = random.Random(3)
    corpus = Corpus(o.sets.split(","), held_out); lots = corpus.pools(SHARES)
    weights = [SHARES[n] for n in lots]; lots = list(lots.values()); unseen = [u for u in corpus.held if u.voice.startswith("ls")]
    ear = Sounds(o.whisper, o.layers); net = ear.net.requires_grad_(True); opt = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.01); start = time.time(); step = 0
    while (progress := (time.time() - start) / (60 * o.minutes)) < 1:
        for g in opt.param_groups: g["lr"] = 2e-3 * min(1, (step + 1) / 20) * (1 - progress) + 1e-5
        y, labels = crops(lots, weights, r, 12)
        with torch.no_grad(): x = ear.features(y)
        p = net(x); loss = F.cross_entropy(p, labels, ignore_index=-1, label_smoothing=0.05); opt.zero_grad(); loss.backward(); opt.step(); step += 1
        if step % 50 == 0: print(step, f"{(time.time() - start) / 60:.1f} min loss {float(loss):.3f} right {float((p.argmax(1) == labels)[labels >= 0].float().mean()):.3f}", flush=True)
    if unseen:
        with torch.no_grad(): y, labels = crops([unseen], [1], random.Random(1), 24); print("unseen people:", f"{float((net(ear.features(y)).argmax(1) == labels)[labels >= 0].float().mean()):.3f}")
    torch.save({"layers": o.layers, "net": net.state_dict()}, o.out)

if __name__ == "__main__": main()
