#!/usr/bin/env python3
"""Stage 2: the prosody language model (P-LLM) and the auto-regressive duration model (ADM) on a frozen stage 1.

    train_prosody.py --sets DIR[,DIR...] --acoustic DIR/state.pt --out DIR --minutes M [--start FOLDER]

Rows are several sentences of one prosody donor, each with its own BOS/EOS, so that earlier sentences prompt later ones.
Cross-entropy on all positions (P-LLM), smooth L1 on ln(1 + duration) (ADM; the previous durations carry noise so that
the model tolerates its own). In a third of the rows the prompt has no text, in the others a tenth of its sentences: the
content is replaced by the null vector.
Resumable: DIR/state.pt every two minutes; codes are extracted once into DIR/codes.pt.
"""
import argparse, copy, math, pathlib, random, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from data import Corpus
from model import Acoustic, DurationModel, ProsodyLm, STARTER, expand, pool_content
from shipped import load
from train_acoustic import held_out

def load_acoustic(path):
    m = Acoustic(STARTER); m.load_state_dict(torch.load(path)["average"]); return m.eval()

@torch.no_grad()
def extract(model, corpus, most_fast):
    """Codes, content and durations of each utterance; the fast voice is thinned to `most_fast` lines."""
    r = random.Random(5); items = [u for u in corpus.items if u.x["speaker"][0] != "h"]; fast = [u for u in corpus.items if u.voice == "h_1.00"]; r.shuffle(fast); items += fast[:most_fast]; out = []; pool = STARTER["prosody"]["pool"] // STARTER["frames_per_unit"]
    for u in items + corpus.held:
        if u.x["speaker"].startswith("h_") and u.voice != "h_1.00": continue
        ids, units = u.ids(), u.units(); z = model.content(ids[None], torch.ones(1, len(ids), dtype=torch.bool))[0]; latents, _ = model.prosody.latents(u.prosody_mel()[None], torch.tensor([u.frames])); index, _ = expand(units)
        out.append({"style": u.style, "held": held_out(u.x), "content": z.half(), "pooled": pool_content(z, index, pool).half(), "codes": model.prosody.nearest(latents)[0].short(), "units": units.short()})
    return out

def row(sentences, r, plm):
    """P-LLM input content, input tokens, targets of one row."""
    content, tokens, targets = [], [], []; unknown = 1.0 if r.random() < 0.35 else 0.1
    for i, s in enumerate(sentences):
        c = s["pooled"].float(); c = plm.null_content.expand(len(c), -1) if i + 1 < len(sentences) and r.random() < unknown else c
        codes = s["codes"].long(); content += [c, plm.end_content[None]]; tokens.append(torch.cat([torch.tensor([plm.codes]), codes])); targets.append(torch.cat([codes, torch.tensor([plm.codes])]))
    return torch.cat(content), torch.cat(tokens), torch.cat(targets)

def duration_row(sentences, r, adm, noise=0.08):
    content, previous, targets = [], [], []
    for i, s in enumerate(sentences):
        c = s["content"].float(); c = adm.null_content.expand(len(c), -1) if i + 1 < len(sentences) and r.random() < 0.1 else c; t = torch.log1p(s["units"].float())
        before = torch.cat([torch.zeros(1), t[:-1] + noise * torch.randn(len(t) - 1)]); start = torch.zeros(len(t)); start[0] = 1; before[0] = 0
        content.append(c); previous.append(torch.stack([before, start], 1)); targets.append(t)
    return torch.cat(content), torch.cat(previous), torch.cat(targets)

def pad(rows, values):
    n = max(len(x[0]) for x in rows); out = []
    for i, v in enumerate(values): out.append(torch.stack([F.pad(x[i], (0, 0, 0, n - len(x[i])) if x[i].dim() == 2 else (0, n - len(x[i])), value=v) for x in rows]))
    return out

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sets", required=True); a.add_argument("--acoustic", required=True); a.add_argument("--out", required=True); a.add_argument("--minutes", type=float, default=15); a.add_argument("--threads", type=int, default=1); a.add_argument("--rate", type=float, default=1.5e-3); a.add_argument("--fast-lines", type=int, default=2000); a.add_argument("--start", help="folder of exported weights to go on from"); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(3); r = random.Random(int(time.time())); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    if not (out / "codes.pt").exists(): torch.save(extract(load_acoustic(o.acoustic), Corpus(o.sets.split(","), held_out), o.fast_lines), out / "codes.pt")
    data = torch.load(out / "codes.pt"); held = [x for x in data if x["held"]]; data = [x for x in data if not x["held"]]
    styles = {}
    for x in data: styles.setdefault(x["style"], []).append(x)
    names = sorted(styles); weight = [min(len(styles[s]), 60) for s in names]; used = torch.bincount(torch.cat([x["codes"].long() for x in data]), minlength=STARTER["prosody"]["codes"])
    print(f"{len(data)} sentences, {len(names)} styles, {(used > 0).sum()} codes used, entropy {-(used / used.sum() * (used / used.sum()).clamp(min=1e-9).log()).sum():.2f} nats", flush=True)
    c = STARTER["content"]["channels"]; plm = ProsodyLm(c, STARTER["prosody"]["codes"], **STARTER["plm"]); adm = DurationModel(c, **STARTER["adm"]); 
    if o.start: s = load(o.start); plm, adm = s.plm.train(), s.adm.train()
    both = nn.ModuleDict({"plm": plm, "adm": adm}); average = copy.deepcopy(both)
    opt = torch.optim.AdamW(both.parameters(), o.rate, betas=(0.9, 0.98), weight_decay=0.02); step, spent = 0, 0.0; state = out / "state.pt"
    if state.exists():
        s = torch.load(state); both.load_state_dict(s["model"]); average.load_state_dict(s["average"]); opt.load_state_dict(s["opt"]); step, spent = s["step"], s["spent"]
    def save(): torch.save({"model": both.state_dict(), "average": average.state_dict(), "opt": opt.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    def draw():
        """Rows of equally many sentences (fewer of styles that have fewer; never one twice, or copying would be learnt), some thirty in all."""
        n = r.choice((1, 2, 4, 8, 16)); return [r.sample(styles[s], min(n, len(styles[s]))) for s in r.choices(names, weight, k=max(3, 30 // n))]
    def judge(lm, dm, lots):
        x, t, y = pad([row(l, r, lm) for l in lots], (0.0, 0, -1)); l1 = F.cross_entropy(lm(x, t).transpose(1, 2), y, ignore_index=-1)
        x, p, y = pad([duration_row(l, r, dm) for l in lots], (0.0, 0.0, -1.0)); m = y >= 0; l2 = (F.smooth_l1_loss(dm(x, p), y, beta=0.2, reduction="none") * m).sum() / m.sum(); return l1, l2
    start = time.process_time(); saved = time.time(); running = {}
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        lr = o.rate * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))
        for g in opt.param_groups: g["lr"] = lr
        l1, l2 = judge(plm, adm, draw()); opt.zero_grad(); (l1 + 5 * l2).backward(); nn.utils.clip_grad_norm_(both.parameters(), 1.0); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for p, q in zip(average.parameters(), both.parameters()): p.lerp_(q, 1 - k)
        for key, v in (("plm", l1), ("adm", l2)): running[key] = 0.97 * running.get(key, float(v.detach())) + 0.03 * float(v.detach())
        if step % 100 == 0:
            text = ""
            if held:
                with torch.no_grad(): text = " held " + " ".join(f"{float(v):.4f}" for v in judge(average["plm"], average["adm"], [[x] for x in held[:64]]))
            print(step, f"{(spent + time.process_time() - start) / 60:.1f} min", " ".join(f"{key} {v:.4f}" for key, v in running.items()) + text, flush=True)
        if time.time() - saved > 120: save(); saved = time.time()
    save()

if __name__ == "__main__": main()
