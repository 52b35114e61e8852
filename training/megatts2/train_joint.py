#!/usr/bin/env python3
"""Last stage: mel decoder, MRTE and vocoder together, on waveform losses.

    train_joint.py --sets DIR[,DIR...] --acoustic state.pt (--vocoder state.pt | --start FOLDER) --parts parts.npy --out DIR --minutes M

An L1 mel is smooth and a vocoder that has only met true mels turns smoothness into buzz; here both see each other's
work. Content and prosody encoders stay frozen, so the codes of stage 2 remain valid. Losses: those of stage 1, multi-
resolution STFT on one-second crops and, from --adversarial-from of the time on, the small discriminator with feature
matching (it learns alone for a tenth of the time first); a third of the steps also regress the fast teacher's spectral
parts from decoded mels. F0 is the true one. Recordings at 16 kHz count below 7.6 kHz only and are not shown to the judge.
--speaker W adds a speaker-consistency loss (1 - cosine to the voice's mean d-vector by Resemblyzer, and the cross-entropy
of being told from all other voices of the sets), on voices
exchanged between the readings of the batch and moved along frequency, so that timbre comes from the references alone and
there are more of them than were recorded.
With --start the vocoder goes on from a folder of exported weights.
Resumable: DIR/state.pt holds {"acoustic": {"average"}, "vocoder": {"average"}, ...}.
"""
import argparse, copy, json, math, pathlib, random, sys, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent), str(here.parent / "vocoder")]
import blocks, harmonic_noise
from data import Corpus
from disguise import warp
from discriminator import Discriminator, discriminator_loss, feature_loss, generator_loss
from model import Acoustic, STARTER
from shipped import load
from spectrum import HOP
from train import parts_loss, stft_loss
from train_acoustic import held_out, losses

HIGHER = (0.86, 0.93, 1.0, 1.0, 1.075, 1.16)
CROP = 128  # frames, 1.6 s: what the speaker encoder was made for
WEIGHTS = {"pure": 0.3, "virtual": 0.22, "fast": 0.05, "pseudo": 0.05, "real": 0.38}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "acoustic", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--speaker", type=float, default=0.0); a.add_argument("--half", action="store_true", help="blocks in bfloat16"); a.add_argument("--vocoder"); a.add_argument("--start"); a.add_argument("--parts"); a.add_argument("--minutes", type=float, default=20); a.add_argument("--threads", type=int, default=1); a.add_argument("--frames", type=int, default=2000); a.add_argument("--rate", type=float, default=4e-4); a.add_argument("--adversarial-from", type=float, default=0.3); o = a.parse_args()
    torch.set_num_threads(o.threads); blocks.HALF["on"] = o.half; torch.manual_seed(4); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); corpus = Corpus(o.sets.split(","), held_out, longest_reference=640); r = np.random.default_rng(int(time.time()))
    m = Acoustic(STARTER); v = harmonic_noise.HarmonicNoise(**harmonic_noise.STARTER); judge = Discriminator(); state = out / "state.pt"; step, spent = 0, 0.0
    m.load_state_dict(torch.load(o.acoustic)["average"])
    if o.start: v = load(o.start).vocoder.train()
    else: s = torch.load(o.vocoder); v.load_state_dict(s["average"]); judge.load_state_dict(s["judge"])
    for p in [*m.content.parameters(), *m.prosody.parameters()]: p.requires_grad_(False)
    params = [p for p in [*m.parameters(), *v.parameters()] if p.requires_grad]; opt = torch.optim.AdamW(params, o.rate, betas=(0.8, 0.99), weight_decay=0.01); opt_judge = torch.optim.AdamW(judge.parameters(), 3e-4, betas=(0.8, 0.99)); average, average_v = copy.deepcopy(m), copy.deepcopy(v)
    if state.exists():
        s = torch.load(state); m.load_state_dict(s["acoustic"]["model"]); average.load_state_dict(s["acoustic"]["average"]); v.load_state_dict(s["vocoder"]["model"]); average_v.load_state_dict(s["vocoder"]["average"]); judge.load_state_dict(s["judge"]); opt.load_state_dict(s["opt"]); opt_judge.load_state_dict(s["opt_judge"]); step, spent = s["step"], s["spent"]
    table = {x["frame"]: x for x in json.load(open(pathlib.Path(o.parts).with_suffix(".json")))} if o.parts else {}; parts = np.load(o.parts, mmap_mode="r") if o.parts else None
    known = [u for u in corpus.items if u.x["speaker"][0] == "h" and u.f.start in table and u.frames == table[u.f.start]["frames"] and u.frames > CROP + 8]
    if o.speaker:
        from speaker import SpeakerEncoder
        speakers = SpeakerEncoder(); cache = out / "voices.pt"; dvectors = torch.load(cache) if cache.exists() else {}
        for k, u in corpus.by_voice.items():
            for higher in set(HIGHER) if not k.startswith("h_") and (k, 1.0) not in dvectors else (): dvectors[k, higher] = speakers.voice(u, 12 if higher == 1 else 6, higher)
        torch.save(dvectors, cache); place = {k: i for i, k in enumerate(dvectors)}; every = torch.stack(list(dvectors.values())); print(len(dvectors), "voices embedded", flush=True)
    shuffle = random.Random(int(time.time()))
    def speech(mel, f0):
        """Vocoder on crops: parts of the spectrum and the wave."""
        p = v.parameters_of(mel, f0); n = torch.randn(2, *p[0].shape); return p, harmonic_noise.inverse(v.spectrum(p, f0, torch.complex(n[0], n[1])))
    def consistency(wave, voices):
        """Near the voice's own d-vector, and nearer to it than to those of the other voices."""
        near = speakers(wave) @ every.T; own = torch.tensor([place[k] for k in voices]); return (1 - near.gather(1, own[:, None])).mean() + 0.06 * F.cross_entropy(20 * near, own)
    def exchanged(b):
        """The batch's readings in each other's voices, at the voices' registers: waves of a few crops and who is to be heard."""
        lot = [i for i, u in enumerate(b["items"]) if u.frames > CROP + 4 and (u.voice, 1.0) in place]
        if len(lot) < 2: return None
        lot = lot[:4]; to = lot[1:] + lot[:1]; z = m.content(b["ids"][lot], b["symbol_mask"][lot]); q, *_ = m.prosody(b["prosody_mel"][lot], b["frames"][lot]); higher = [shuffle.choice(HIGHER) for _ in to]
        k, mask, g = m.keys(torch.stack([warp(b["references"][i], h) for i, h in zip(to, higher)]), b["reference_frames"][to]); register = b["register"][to] + torch.tensor(higher).log()
        mel, f0, voicing = m.decode(z, k, mask, g, b["index"][lot], b["position"][lot], b["unit_mask"][lot], q, register); at = [int(r.integers(0, b["items"][i].frames - CROP)) for i in lot]; f0 = (torch.exp(f0) * (voicing > 0)).detach()
        return speech(torch.stack([x[:, a: a + CROP] for x, a in zip(mel, at)]), torch.stack([x[a: a + CROP] for x, a in zip(f0, at)]))[1], [(b["items"][i].voice, h) for i, h in zip(to, higher)]
    def save(): torch.save({"acoustic": {"model": m.state_dict(), "average": average.state_dict()}, "vocoder": {"model": v.state_dict(), "average": average_v.state_dict()}, "judge": judge.state_dict(), "opt": opt.state_dict(), "opt_judge": opt_judge.state_dict(), "step": step, "spent": spent + time.process_time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    start = time.process_time(); saved = time.time(); running = {}; batches = corpus.batches(o.frames, WEIGHTS, int(time.time()))
    while (progress := (spent + time.process_time() - start) / (60 * o.minutes)) < 1:
        lr = o.rate * min(1, (step + 1) / 30) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))); fighting, learning = progress >= o.adversarial_from, progress >= o.adversarial_from - 0.1
        for g in opt.param_groups: g["lr"] = lr
        teach = bool(known) and step % 3 == 0; b = corpus.collate(shuffle.sample(known, min(5, len(known))), shuffle) if teach else next(batches)
        m.train(); m.prosody.eval(); y = m(b); l = losses(y, b); l.pop("commit"); loss = l["mel"] + 0.5 * l["slope"] + l["f0"] + 0.2 * l["voicing"]
        lot = [i for i, u in enumerate(b["items"]) if u.frames > CROP + 4]; lot = [lot[i] for i in r.permutation(len(lot))[:4]]; at = [int(r.integers(0, b["items"][i].frames - CROP)) for i in lot]
        if lot:
            mel = torch.stack([y["mel"][i, :, k: k + CROP] for i, k in zip(lot, at)]); f0 = torch.stack([b["f0"][i, k: k + CROP] for i, k in zip(lot, at)]); audio = torch.stack([b["items"][i].audio(k, k + CROP) for i, k in zip(lot, at)])
            p, wave = speech(mel, f0); clean = [j for j, i in enumerate(lot) if not b["items"][i].voice.startswith("ls")]; real = [j for j in range(len(lot)) if j not in clean]
            if clean: l["stft"] = stft_loss(wave[clean], audio[clean]); loss = loss + l["stft"] * len(clean) / len(lot)
            if real: l["real"] = stft_loss(wave[real], audio[real], 7600 / 12000); loss = loss + l["real"] * len(real) / len(lot)
            audio, wave = audio[clean], wave[clean]
            if teach:
                t = torch.stack([torch.from_numpy(np.asarray(parts[(z := table[b["items"][i].f.start])["at"] + k: z["at"] + k + CROP], np.float32)) for i, k in zip(lot, at)]); t[:, :, (0, 2)] += torch.tensor([math.log(b["items"][i].gain) for i in lot])[:, None, None, None]; l["parts"], l["free"] = parts_loss(p, t, None); loss = loss + 0.5 * l["parts"]
            if learning and clean:
                l["judge"] = discriminator_loss(judge(audio), judge(wave.detach())); opt_judge.zero_grad(); l["judge"].backward(); opt_judge.step()
            if fighting and clean:
                ramp = min(1.0, (progress - o.adversarial_from) * 10 + 0.05)
                for q in judge.parameters(): q.requires_grad_(False)
                real, fake = judge(audio), judge(wave); l["fool"], l["feature"] = generator_loss(fake), feature_loss(real, fake); loss = loss + ramp * (0.1 * l["fool"] + 1.0 * l["feature"])
                for q in judge.parameters(): q.requires_grad_(True)
        if o.speaker and not teach and (other := exchanged(b)): l["other"] = consistency(*other); loss = loss + o.speaker * l["other"]
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(params, 1.5); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.99, step / (step + 10))
            for x, z in zip([*average.parameters(), *average_v.parameters()], [*m.parameters(), *v.parameters()]): x.lerp_(z, 1 - k)
        for key, x in l.items(): running[key] = 0.95 * running.get(key, float(x.detach())) + 0.05 * float(x.detach())
        if step % 20 == 0: print(step, f"{(spent + time.process_time() - start) / 60:.1f} min lr {lr:.1e}", " ".join(f"{key} {x:.3f}" for key, x in running.items()), flush=True)
        if time.time() - saved > 120: save(); saved = time.time()
    save()

if __name__ == "__main__": main()
