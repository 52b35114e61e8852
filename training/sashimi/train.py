#!/usr/bin/env python3
"""Train SaShiMi, or a WaveNet to compare it with, on a folder of short clips.

    train.py --clips DIR --out DIR --minutes M [--samples 9728] [--batch 2] [--width 32] [--layers 3] [--states 32] [--jitter 0] [--vary 0] [--start state.pt] [--unet] [--wavenet]

Cross entropy of every sample given those before it (It's Raw!, section 5). AdamW; the state spaces learn at 1e-3 at most and without
weight decay. `--minutes` are CPU minutes over every resumption from `state.pt`, along which the rate falls as a cosine.
Set MALLOC_MMAP_THRESHOLD_=2000000000 MALLOC_TRIM_THRESHOLD_=8000000000: fresh pages for every tensor cost half the time.
"""
import argparse, json, math, pathlib, time
import torch
from data import Varied, alone, load
from model import CHUNK, SILENCE, STARTER, Sashimi
from wavenet import WaveNet

def shorter(codes, step):
    """Without most of the silence after the longest; every eighth batch keeps it all."""
    return codes if step % 8 == 0 else codes[:, :-(-(int((codes != SILENCE).any(0).nonzero().max()) + 161) // CHUNK) * CHUNK]

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True); a.add_argument("--out", required=True, type=pathlib.Path); a.add_argument("--minutes", type=float, required=True)
    a.add_argument("--samples", type=int, default=9728); a.add_argument("--batch", type=int, default=2); a.add_argument("--lr", type=float, default=4e-3); a.add_argument("--jitter", type=float, default=0.0, help="largest standard deviation of the noise on what the model reads, in codes"); a.add_argument("--vary", type=float, default=0.0, help="share by which clips are made faster or slower, anew every time"); a.add_argument("--unet", action="store_true", default=STARTER["unet"]); a.add_argument("--wavenet", action="store_true"); a.add_argument("--held", help="clips to measure at the end"); a.add_argument("--start", help="state.pt of another model whose weights to begin with")
    for n in ("width", "layers", "states"): a.add_argument("--" + n, type=int, default=STARTER[n])
    o = a.parse_args(); torch.manual_seed(5); torch.set_flush_denormal(True); o.out.mkdir(parents=True, exist_ok=True); clips = Varied(o.clips, o.samples, o.vary) if o.vary else load(o.clips, o.samples)
    config = {**STARTER, "width": o.width, "layers": o.layers, "states": o.states, "unet": o.unet}; model = WaveNet() if o.wavenet else Sashimi(**config); space = [p for n, p in model.named_parameters() if ".kernel." in n and not n.endswith(".C")]; known = {id(p) for p in space}
    groups = [{"params": [p for p in model.parameters() if id(p) not in known], "weight_decay": 0.01, "top": o.lr}] + ([{"params": space, "weight_decay": 0.0, "top": min(o.lr, 1e-3)}] if space else [])
    opt = torch.optim.AdamW(groups, lr=o.lr, betas=(0.9, 0.99), fused=True); average = {k: v.clone() for k, v in model.state_dict().items()}; step = spent = 0
    if (o.out / "state.pt").exists():
        s = torch.load(o.out / "state.pt"); model.load_state_dict(s["model"]); opt.load_state_dict(s["opt"]); average, step, spent = s["average"], s["step"], s["spent"]
    elif o.start: average = torch.load(o.start)["average"]; model.load_state_dict(average); average = {k: v.clone() for k, v in average.items()}
    start = time.process_time() - spent; saved = 0.0; live = model.state_dict(); moving = [k for k, v in live.items() if v.is_floating_point()]
    def save(): torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "average": average, "step": step, "spent": time.process_time() - start, "config": config}, o.out / "state.pt.new"); (o.out / "state.pt.new").replace(o.out / "state.pt")
    print(f"{len(clips)} clips, {sum(p.numel() for p in model.parameters())} parameters", flush=True); told = []
    while (at := (time.process_time() - start) / 60 / o.minutes) < 1:
        for g in opt.param_groups: g["lr"] = g["top"] * min(1, (step + 1) / 100) * (0.02 + 0.98 * (1 + math.cos(math.pi * at)) / 2)
        loss = model.bits(shorter(clips[torch.randint(len(clips), (o.batch,))], step).long(), o.jitter); opt.zero_grad(); loss.backward(); torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); step += 1; told.append(loss.item())
        if not math.isfinite(told[-1]): raise SystemExit(f"step {step}: the loss is no number")
        with torch.no_grad(): torch._foreach_lerp_([average[k] for k in moving], [live[k] for k in moving], 1 - min(0.995, step / (step + 10)))
        if step % 20 == 0: print(json.dumps({"step": step, "bits": round(sum(told) / len(told), 4), "minutes": round((time.process_time() - start) / 60, 2)}), flush=True); told = []
        if time.process_time() - saved > 60: saved = time.process_time(); save()
    save(); model.load_state_dict(average); model.eval()
    if o.held:
        with torch.no_grad(): bits = [model.bits(alone(c)[None].long()).item() for c in load(o.held, o.samples)]
        print(json.dumps({"step": step, "held_out_bits": round(sum(bits) / len(bits), 4)}))

if __name__ == "__main__": main()
