#!/usr/bin/env python3
"""The content extractor: a causal phone-posterior bottleneck, then k-means over its features.

    train_content.py --sets DIR[,DIR...] --out DIR --minutes M [--threads 1]

Cross-entropy per 25 ms unit on the alignments (label smoothing 0.1), from recordings whose voice is moved along frequency, which pass
through other microphones, rooms and band limits, come at other levels, slower or faster, and lose stretches of time and bands (SpecAugment); a speaker
classifier behind a gradient reversal takes the voice out of the features. Every batch is heard with one of the look-aheads of the
encoder, the widest half of the time. At the end k-means gives the centroids of the tokens.
Resumable: DIR/state.pt. Held-out figure: phone accuracy on speakers and lines kept out, and of a linear probe for the speaker.
"""
import argparse, copy, math, pathlib, random, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent)]
from ahead import Ahead
from data import Corpus
from disguise import FLOOR, disguise, warp
from network import STARTER, ContentEncoder
from train_acoustic import held_out

SHARES = {"pure": 0.15, "virtual": 0.27, "fast": 0.06, "pseudo": 0.2, "real": 0.32}

class Reverse(torch.autograd.Function):
    """Identity whose gradient is turned round and scaled."""
    @staticmethod
    def forward(ctx, x, scale): ctx.scale = scale; return x.view_as(x)
    @staticmethod
    def backward(ctx, g): return -ctx.scale * g, None

def heard(mel, r, farthest=0.22, moved=0.75):
    """A mel [100, T] as another person (with probability `moved`), microphone and level might bring it."""
    if r.random() < moved: mel = warp(mel, math.exp(r.uniform(-farthest, farthest)))
    if r.random() < 0.6: mel = disguise(mel[None], r)[0]
    return (mel + r.uniform(-0.7, 0.5)).clamp(min=FLOOR)

def miss(mel, r, dim, least, most):
    """Takes a stretch of bands (dim 0) or of time (dim 1) out of a mel [100, T], in place: it is at the mean of the mel then."""
    size = mel.shape[dim]; k = min(size, r.randint(least, most)); mel.narrow(dim, r.randint(0, size - k), k).fill_(mel.mean())

def crops(lots, weights, r, n, frames, training=True):
    """n crops [n, 100, frames], the symbol of each unit [n, frames / 2] (-1 outside) and their voices. In training also slower or faster and with stretches of time and bands missing."""
    mels, labels, voices = torch.full((n, 100, frames), FLOOR), torch.full((n, frames // 2), -1), []
    for i in range(n):
        u = r.choice(r.choices(lots, weights)[0]); ids = torch.repeat_interleave(u.ids(), u.units()); faster = math.exp(r.uniform(-0.22, 0.22)) if training and r.random() < 0.6 else 1.0; want = round(frames * faster / 2) * 2
        a = 2 * r.randint(0, max(0, (u.frames - want) // 2)); b = min(u.frames, a + want); k = min(frames, round((b - a) / faster / 2) * 2); mel = heard(u.mel(a, b).T, r); said = ids[a // 2: b // 2]
        if faster != 1: mel = F.interpolate(mel[None], k, mode="linear", align_corners=False)[0]; said = said[((torch.arange(k // 2) + 0.5) * len(said) / (k // 2)).long()]
        mels[i, :, :k], labels[i, : k // 2] = mel, said; voices.append(u.voice)
        for _ in range(r.randint(0, 2) if training else 0): miss(mels[i], r, 1, 2, 14); miss(mels[i], r, 0, 4, 20)
    return mels, labels, voices

@torch.no_grad()
def kmeans(features, k, rounds=15):
    """Features [N, F] -> centroids [k, F]."""
    c = features[torch.randperm(len(features))[:k]].clone()
    for _ in range(rounds):
        near = torch.cat([torch.cdist(x, c).argmin(1) for x in features.split(8192)]); n = torch.bincount(near, minlength=k); c = torch.zeros_like(c).index_add_(0, near, features) / n.clamp(min=1)[:, None]
        empty = n == 0; c[empty] = features[torch.randint(len(features), (int(empty.sum()),))]
    return c

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sets", required=True); a.add_argument("--out", required=True); a.add_argument("--minutes", type=float, default=12); a.add_argument("--threads", type=int, default=1); a.add_argument("--rate", type=float, default=2e-3); a.add_argument("--batch", type=int, default=16); a.add_argument("--adversary", type=float, default=0.1); a.add_argument("--drop", type=float, default=0.1, help="share of what the blocks find that is left out"); a.add_argument("--start", help="state.pt to go on from"); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(7); r = random.Random(int(time.time())); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(o.sets.split(","), held_out); lots = corpus.pools(SHARES)
    names = list(lots); weights = [SHARES[n] for n in names]; lots = list(lots.values()); unseen = [[u for u in corpus.held if u.voice[0] == k] for k in "vl"]; print({n: len(l) for n, l in zip(names, lots)}, [len(l) for l in unseen], flush=True)
    net = ContentEncoder(STARTER["bands"], STARTER["symbols"], **STARTER["content"]); judge = nn.Sequential(nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, len(corpus.voices))); average = copy.deepcopy(net)
    for b in net.blocks: b.register_forward_hook(lambda _, __, x: F.dropout(x, o.drop))
    params = [*net.parameters(), *judge.parameters()]; opt = torch.optim.AdamW(params, o.rate, betas=(0.9, 0.98), weight_decay=0.01); step, spent = 0, 0.0; state = out / "state.pt"
    if o.start: s = torch.load(o.start); net.load_state_dict(s["model"]); average.load_state_dict(s["average"])
    if state.exists():
        s = torch.load(state); net.load_state_dict(s["model"]); average.load_state_dict(s["average"]); step, spent = s["step"], s["spent"]
        if s["judge"]["2.weight"].shape == judge[2].weight.shape: judge.load_state_dict(s["judge"]); opt.load_state_dict(s["opt"])
    def save(): torch.save({"model": net.state_dict(), "average": average.state_dict(), "judge": judge.state_dict(), "opt": opt.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    batches = Ahead(lambda: crops(lots, weights, r, o.batch, 256), r, 6)
    start = time.process_time(); saved = time.time(); running = {}
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        for g in opt.param_groups: g["lr"] = o.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        x, y, voices = batches.next(); z = net(x, r.choice([0, 1, -1, -1])); p = net.logits(z); loss = F.cross_entropy(p, y, ignore_index=-1, label_smoothing=0.1)
        f = Reverse.apply(z, min(1.0, step / 600)); f = torch.cat([f.mean(1), f.std(1)], 1); voice = F.cross_entropy(judge(f), torch.tensor([corpus.voice_id[v] for v in voices]))
        opt.zero_grad(); (loss + o.adversary * voice).backward(); nn.utils.clip_grad_norm_(params, 1.0); opt.step(); step += 1; hit = (p.argmax(1) == y)[y >= 0].float().mean()
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for q, w in zip(average.parameters(), net.parameters()): q.lerp_(w, 1 - k)
        for key, v in (("loss", loss), ("hit", hit), ("voice", voice)): running[key] = 0.98 * running.get(key, float(v.detach())) + 0.02 * float(v.detach())
        if step % 100 == 0:
            held = []
            for lot in unseen:
                if not lot: continue
                with torch.no_grad():
                    x, y, _ = crops([lot], [1], random.Random(1), 16, 256, False)
                    for mode in (0, -1): held.append(float((average.logits(average(x, mode)).argmax(1) == y)[y >= 0].float().mean()))
            print(step, f"{(spent + time.process_time() - start) / 60:.1f} min", " ".join(f"{key} {v:.3f}" for key, v in running.items()), "unseen virtual (least, widest look-ahead), real", [f"{h:.3f}" for h in held], flush=True)
        if time.time() - saved > 60: save(); saved = time.time()
    average.eval()
    with torch.no_grad(): average.centroids.copy_(kmeans(torch.cat([average(crops(lots, weights, r, 16, 256, False)[0]).flatten(0, 1) for _ in range(60)]), STARTER["content"]["clusters"]))
    net.centroids.copy_(average.centroids)
    save(); batches.close()

if __name__ == "__main__": main()
