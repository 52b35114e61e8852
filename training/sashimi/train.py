#!/usr/bin/env python3
"""Train SaShiMi on a folder of short clips.

    train.py --clips DIR --out DIR --minutes M [--samples 16384] [--batch 8] [--width 48] [--layers 4] [--states 32] [--unet]

Cross entropy of every sample given those before it (It's Raw!, section 5). AdamW; the state spaces learn at 1e-3 at most and without
weight decay. `--minutes` are CPU minutes over every resumption from `state.pt`, along which the rate falls as a cosine.
"""
import argparse, json, math, pathlib, time
import torch
from data import load
from model import STARTER, Sashimi

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True); a.add_argument("--out", required=True, type=pathlib.Path); a.add_argument("--minutes", type=float, required=True)
    a.add_argument("--samples", type=int, default=16384); a.add_argument("--batch", type=int, default=8); a.add_argument("--lr", type=float, default=4e-3); a.add_argument("--unet", action="store_true", default=STARTER["unet"])
    for n in ("width", "layers", "states"): a.add_argument("--" + n, type=int, default=STARTER[n])
    o = a.parse_args(); torch.manual_seed(5); o.out.mkdir(parents=True, exist_ok=True); clips = load(o.clips, o.samples); held = clips[::20]; clips = torch.stack([c for i, c in enumerate(clips) if i % 20]) if len(clips) > 1 else clips
    config = {**STARTER, "width": o.width, "layers": o.layers, "states": o.states, "unet": o.unet, "length": o.samples}; model = Sashimi(**config); space = [p for n, p in model.named_parameters() if ".kernel." in n and not n.endswith(".C")]; known = {id(p) for p in space}
    groups = [{"params": [p for p in model.parameters() if id(p) not in known], "weight_decay": 0.01, "top": o.lr}, {"params": space, "weight_decay": 0.0, "top": min(o.lr, 1e-3)}]
    opt = torch.optim.AdamW(groups, lr=o.lr, betas=(0.9, 0.99)); average = {k: v.clone() for k, v in model.state_dict().items()}; step = spent = 0
    if (o.out / "state.pt").exists():
        s = torch.load(o.out / "state.pt"); model.load_state_dict(s["model"]); opt.load_state_dict(s["opt"]); average, step, spent = s["average"], s["step"], s["spent"]
    start = time.process_time() - spent; saved = 0.0
    def save(): torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "average": average, "step": step, "spent": time.process_time() - start, "config": config}, o.out / "state.pt.new"); (o.out / "state.pt.new").replace(o.out / "state.pt")
    print(f"{len(clips)} clips, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    while (at := (time.process_time() - start) / 60 / o.minutes) < 1:
        for g in opt.param_groups: g["lr"] = g["top"] * min(1, (step + 1) / 200) * (0.02 + 0.98 * (1 + math.cos(math.pi * at)) / 2)
        loss = model.bits(clips[torch.randint(len(clips), (o.batch,))].long()); opt.zero_grad(); loss.backward(); torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); step += 1
        if not math.isfinite(loss.item()): raise SystemExit(f"step {step}: the loss is no number")
        keep = min(0.999, step / (step + 10))
        with torch.no_grad():
            for k, v in model.state_dict().items(): average[k].lerp_(v, 1 - keep) if v.is_floating_point() else average[k].copy_(v)
        if step % 20 == 0: print(json.dumps({"step": step, "bits": round(loss.item(), 4), "minutes": round((time.process_time() - start) / 60, 2)}), flush=True)
        if time.process_time() - saved > 120: saved = time.process_time(); save()
    save(); model.load_state_dict(average); model.eval()
    with torch.no_grad(): bits = sum(model.bits(c[None].long()).item() for c in held[:32]) / len(held[:32])
    print(json.dumps({"step": step, "held_out_bits": round(bits, 4)}))

if __name__ == "__main__": main()
