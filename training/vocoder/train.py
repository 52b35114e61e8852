#!/usr/bin/env python3
"""The starter vocoder: mel + F0 -> wave.

    train.py --sets DIR[,DIR...] --parts parts.npy --parts-set DIR --out DIR --minutes M [--adversarial-from 0.5] [--decoded DIR]

Regression on the fast teacher's spectral parts, multi-resolution STFT losses on all speech and, from a fraction of the
time on, a small multi-resolution discriminator with feature matching. With --decoded, mels come from the acoustic model
(megatts2/decode_set.py) instead of from the audio. Resumable: DIR/state.pt every two minutes.
"""
import argparse, copy, json, math, pathlib, random, sys, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent), str(here.parent / "megatts2")]
from data import Speech, Utterance, voice_of
from discriminator import Discriminator, discriminator_loss, feature_loss, generator_loss
from harmonic_noise import STARTER, HarmonicNoise, inverse
from spectrum import HOP, filterbank, stft

CROP = 80

def stft_loss(y, x, band=1.0):
    """L1 of log magnitudes and spectral convergence over four resolutions, of the lower `band` of the spectrum; y, x [B, samples]."""
    total = 0
    for n in (256, 512, 1024, 2048):
        w = torch.hann_window(n); a, b = (torch.stft(v, n, n // 4, n, w, center=False, return_complex=True)[:, : 1 + round(band * n / 2)].abs() for v in (y, x))
        total = total + (torch.log(a.clamp(min=1e-4)) - torch.log(b.clamp(min=1e-4))).abs().mean() + 0.5 * (a - b).norm() / b.norm().clamp(min=1e-3)
    return total / 4

def parts_loss(p, target, spectrum):
    """p: network parts; target [B, T, 4, 601] of the teacher. Log amplitudes by L1 (floor -9); the harmonic phase and the
    whole complex spectrum are judged relative to the local level, so that quiet bins count too."""
    lh, th, lr, phi = (target[:, :, i].transpose(1, 2) for i in range(4))
    def level(x, y): return (x.clamp(min=-9) - y.clamp(min=-9)).abs().mean()
    w = torch.sigmoid(lh + 5); turn = torch.polar(torch.ones_like(th), torch.pi * torch.tanh(th)) - torch.polar(torch.ones_like(th), torch.pi * torch.tanh(p[1]))
    phase = (turn.abs() * w).sum() / w.sum()
    if len(p) == 3: return level(p[0], lh) + level(p[2], lr - 0.5) + 0.5 * phase, phase
    w = torch.sigmoid(lr + 5); c = 1 - torch.cos(phi - p[4]); free = (c * w).sum() / w.sum()
    return level(p[0], lh) + level(p[3], lr) + 0.5 * phase + 0.5 * free, free

class Crops:
    """Random one-second crops: audio, mel, F0 (and teacher parts where known)."""
    def __init__(self, sets, parts, parts_set, decoded=None, seed=0):
        self.r = random.Random(seed); self.speech = [Speech(s) for s in sets]; self.pure = []; self.rest = []
        for s in self.speech:
            for x in s.index:
                if x["frames"] < CROP + 8 or x["n"] % 97 == 0 or (x["speaker"].startswith("v_") and int(x["speaker"][2:5]) >= 270): continue
                (self.pure if x["speaker"].startswith(("p_", "v_")) else self.rest).append(Utterance(s, x, voice_of(x["speaker"])))
        self.parts = np.load(parts, mmap_mode="r") if parts else None
        if parts: self.table = [t for t in json.load(open(pathlib.Path(parts).with_suffix(".json"))) if t["frames"] > CROP + 8]; self.parts_speech = Speech(parts_set)
        self.decoded = None
        if decoded:
            d = pathlib.Path(decoded); self.decoded = json.load(open(d / "index.json")); n = sum(x["frames"] for x in self.decoded); self.decoded_mel = np.memmap(d / "mel.f16", np.float16, "r", shape=(n, 100)); self.decoded_f0 = np.memmap(d / "f0.f16", np.float16, "r", shape=(n,))
            self.decoded_at = {x["frame"]: x["at"] for x in self.decoded if x["fast"]}
            self.by_key = {u.key: u for u in self.pure + self.rest}; self.decoded = [x for x in self.decoded if x["key"] in self.by_key and x["frames"] > CROP + 8]
    def speech_batch(self, n, fast=0.25):
        audio, mel, f0 = [], [], []
        for _ in range(n):
            if self.decoded is not None and self.r.random() < 0.75:
                x = self.r.choice(self.decoded); u = self.by_key[x["key"]]; a = self.r.randint(0, u.frames - CROP); at = x["at"] + a
                mel.append(torch.from_numpy(np.asarray(self.decoded_mel[at: at + CROP], np.float32)).T); f0.append(torch.from_numpy(np.asarray(self.decoded_f0[at: at + CROP], np.float32))); audio.append(u.audio(a, a + CROP)); continue
            u = self.r.choice(self.rest if self.rest and self.r.random() < fast else self.pure); a = self.r.randint(0, u.frames - CROP); audio.append(u.audio(a, a + CROP)); mel.append(u.mel(a, a + CROP).T); f0.append(u.f0()[a: a + CROP])
        return torch.stack(audio), torch.stack(mel), torch.stack(f0)
    def parts_batch(self, n):
        s = self.parts_speech; mel, f0, parts, audio = [], [], [], []
        for _ in range(n):
            t = self.r.choice(self.table); a = self.r.randint(0, t["frames"] - CROP); f = t["frame"] + a
            at = self.decoded_at.get(t["frame"]) if self.decoded is not None else None
            mel.append(torch.from_numpy(np.asarray(s.mel[f: f + CROP] if at is None else self.decoded_mel[at + a: at + a + CROP], np.float32)).T); f0.append(torch.from_numpy(np.asarray(s.f0[f: f + CROP], np.float32))); parts.append(torch.from_numpy(np.asarray(self.parts[t["at"] + a: t["at"] + a + CROP], np.float32))); audio.append(torch.from_numpy(s.audio[f * HOP: (f + CROP) * HOP].astype(np.float32) / 32767))
        return torch.stack(audio), torch.stack(mel), torch.stack(f0), torch.stack(parts)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sets", required=True); a.add_argument("--parts"); a.add_argument("--parts-set"); a.add_argument("--decoded"); a.add_argument("--out", required=True); a.add_argument("--start"); a.add_argument("--minutes", type=float, default=30)
    a.add_argument("--threads", type=int, default=1); a.add_argument("--rate", type=float, default=1e-3); a.add_argument("--adversarial-from", type=float, default=0.5); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(2); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    model = HarmonicNoise(**STARTER); judge = Discriminator(); step, spent = 0, 0.0; state = out / "state.pt"
    crops = Crops(o.sets.split(","), o.parts, o.parts_set, o.decoded, seed=int(time.time()))
    opt = torch.optim.AdamW(model.parameters(), o.rate, betas=(0.8, 0.99), weight_decay=0.01); opt_judge = torch.optim.AdamW(judge.parameters(), 3e-4, betas=(0.8, 0.99)); average = copy.deepcopy(model)
    if state.exists():
        s = torch.load(state); model.load_state_dict(s["model"]); average.load_state_dict(s["average"]); judge.load_state_dict(s["judge"]); opt.load_state_dict(s["opt"]); opt_judge.load_state_dict(s["opt_judge"]); step, spent = s["step"], s["spent"]; print("resumed at", step, flush=True)
    elif o.start:
        s = torch.load(o.start); model.load_state_dict(s["average"]); average.load_state_dict(s["average"]); judge.load_state_dict(s["judge"])
    else:
        m = torch.cat([crops.speech_batch(8)[1] for _ in range(20)]); model.mel_mean.copy_(m.mean((0, 2))); model.mel_std.copy_(m.std((0, 2))); average.load_state_dict(model.state_dict())
    def save(): torch.save({"model": model.state_dict(), "average": average.state_dict(), "judge": judge.state_dict(), "opt": opt.state_dict(), "opt_judge": opt_judge.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    start = time.process_time(); saved = time.time(); running = {}
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        lr = o.rate * min(1, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))
        for g in opt.param_groups: g["lr"] = lr
        l = {}; loss = 0; fighting = progress >= o.adversarial_from
        if o.parts and (not fighting or step % 3 == 0):
            audio, mel, f0, parts = crops.parts_batch(3); p = model.parameters_of(mel, f0); l["parts"], l["free"] = parts_loss(p, parts, None); loss = loss + l["parts"] * (0.3 if fighting else 0.6)
        audio, mel, f0 = crops.speech_batch(5 if fighting else 4); y = model(mel, f0); l["stft"] = stft_loss(y, audio); loss = loss + l["stft"]
        if fighting:
            ramp = min(1.0, (progress - o.adversarial_from) * 20 + 0.05)
            l["judge"] = discriminator_loss(judge(audio), judge(y.detach())); opt_judge.zero_grad(); l["judge"].backward(); opt_judge.step()
            for q in judge.parameters(): q.requires_grad_(False)
            real, fake = judge(audio), judge(y); l["fool"], l["feature"] = generator_loss(fake), feature_loss(real, fake); loss = loss + ramp * (0.1 * l["fool"] + 1.0 * l["feature"])
            for q in judge.parameters(): q.requires_grad_(True)
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 2.0); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for p_, q_ in zip(average.parameters(), model.parameters()): p_.lerp_(q_, 1 - k)
        for key, v in l.items(): running[key] = 0.97 * running.get(key, float(v.detach())) + 0.03 * float(v.detach())
        if step % 25 == 0: print(step, f"{(spent + time.process_time() - start) / 60:.1f} min lr {lr:.1e}", " ".join(f"{key} {v:.3f}" for key, v in running.items()), flush=True)
        if time.time() - saved > 120: save(); saved = time.time()
    save()

if __name__ == "__main__": main()
