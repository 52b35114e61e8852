#!/usr/bin/env python3
"""The starter vocoder, going on with mels as the converter makes them.

    train_vocoder.py --sets DIR[,DIR...] --flow state.pt --voice FOLDER --out DIR --minutes M [--start FOLDER] [--threads 1]

A converted mel is smoother than a true one and a vocoder that has only met true ones makes it hoarse; one that has only met converted ones
loses who speaks. Some batches are true mels; the readings of the others are converted into
the voice they were read in (heard as another voice, or from the same reading in another timbre; references are other utterances), mostly
in one step, as shipped; losses are those of the vocoder's own training on waves: multi-resolution STFT, then the small discriminator
with feature matching, and what a listener finds: who speaks (with --dvectors) and what is said (the starter voice's aligner). It sees 12.5 ms ahead, where the starter voice's sees 100: a live stream waits for it. It begins as the vocoder of --start
(a folder of weights), the starter voice's unless given. Of recordings at 16 kHz only what lies below 7.6 kHz counts, for the judge too. Resumable: DIR/state.pt.
"""
import argparse, copy, json, math, pathlib, random, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent), str(here.parent / "vocoder")]
from ahead import Ahead
from data import Corpus, to_register
from disguise import FLOOR
from ears import Ears
from embed_voices import dvectors_of
from harmonic_noise import HarmonicNoise, shifted
from discriminator import Discriminator, discriminator_loss, feature_loss, generator_loss
from network import STARTER, TEMPERATURE, StableVc, chunk_mask, level_of, normal
from shipped import fill, load, read
from train import stft_loss
from train_acoustic import held_out
from train_content import heard

SHARES = {"pure": 0.18, "virtual": 0.21, "fast": 0.03, "pseudo": 0.08, "real": 0.5}
TRUE = 0.45  # share of the batches
NARROW = 7600 / 12000  # what counts of the spectrum of recordings at 16 kHz
CROP, WAVE = 160, 96  # frames converted, and frames of them that sound
LOOK_AHEAD = [1, 0, 0, 0, 0, 0]  # frames, of the first convolution and the blocks

def short_sighted(folder):
    """The vocoder of a folder of weights, with this look-ahead ."""
    d = pathlib.Path(folder); sizes = {k: v for k, v in json.load(open(d / "config.json"))["vocoder"].items() if k != "mel"}; file = d / "vocoder.safetensors"
    return fill(HarmonicNoise(**sizes | {"look_ahead": LOOK_AHEAD}), shifted(read(file), sizes, LOOK_AHEAD), file)

class Converted:
    """Crops as the converter makes them, with the audio they should sound like."""
    def __init__(self, corpus, m, acoustic, dvectors, seed):
        self.corpus, self.m, self.acoustic, self.dvectors, self.r = corpus, m, acoustic, dvectors, random.Random(seed); pools = {}
        for u in corpus.items:
            if u.frames > WAVE + 64: pools.setdefault(corpus.group(u), []).append(u)
        self.pools = [pools[n] for n in SHARES if n in pools]; self.weights = [SHARES[n] for n in SHARES if n in pools]
    @torch.no_grad()
    def next(self, n):
        """-> converted mel [n, 100, WAVE], F0 [n, WAVE], audio [n, WAVE * 300], whether it was recorded at 16 kHz [n], what is said [n, WAVE / 2], by whom: a d-vector [n, 256], zero if none is known."""
        r, c, m = self.r, self.corpus, self.m; want = r.randint(160, 640); lot = [r.choice(r.choices(self.pools, self.weights)[0]) for _ in range(n)]
        source, prosody, refs = (torch.full((n, 100, t), FLOOR) for t in (CROP, CROP, want)); f0, hz, register = torch.zeros(n, CROP), torch.zeros(n, CROP), torch.zeros(n); audio, at, true, labels, who = [], [], [], [], []; as_is = r.random() < TRUE
        for i, u in enumerate(lot):
            a = 2 * r.randint(0, max(0, (u.frames - CROP) // 2)); z = min(u.frames, a + CROP); k = z - a; s = (c.twin(u, r) if r.random() < 0.5 else None) or u; f = u.f0()[a:z]; voiced = f > 40
            f0[i, :k] = torch.where(voiced, f.clamp(min=40).log() - u.register, 0); hz[i, :k] = f * voiced; b = 2 * r.randint(min(8, (k - WAVE) // 2), (k - WAVE) // 2); at.append(b); labels.append(torch.repeat_interleave(u.ids(), u.units())[(a + b) // 2: (a + b + WAVE) // 2]); who.append(self.dvectors.get((u.voice, 1.0), torch.zeros(256))); audio.append(u.audio(a + b, a + b + WAVE))
            if as_is: true.append(u.mel(a + b, a + b + WAVE).T); continue
            source[i, :, :k] = heard(s.mel(a, z).T, r, 0.2); prosody[i, :, :k] = to_register(s.mel(a, z).T, s.register); refs[i] = c.reference(u, r, want).T; register[i] = u.register
        said = torch.stack([y[b: b + WAVE] for y, b in zip(hz, at)]), torch.stack(audio), torch.tensor([u.voice.startswith("ls") for u in lot]), torch.stack(labels), torch.stack(who)
        if as_is: return torch.stack(true), *said
        keys = self.acoustic.timbre(normal(refs)); style = m.style(self.acoustic.prosody.nearest(self.acoustic.prosody.latents(prosody, torch.full((n,), CROP))[0]))
        w = {"keys": keys, "speaker": m.speaker(keys), "style": style, "styled": (torch.rand(n) < 0.6).float()}; chunk = r.choice([8, 160, 160]); mask = chunk_mask(CROP, chunk, 160)
        shape = m.shape(source); h, mu = m.condition(m.hidden(m.content(source, r.choice([0, 1, -1, -1, -1])), w, chunk_mask(CROP // 2, chunk // 2, 80), shape), w, f0, (hz > 0).float(), level_of(source), register, shape)
        steps = r.choices([0, 1, 4], [0.15, 0.7, 0.15])[0]; x = m.sample(mu, h, w, mask, TEMPERATURE * torch.randn_like(mu), steps) if steps else mu; mel = (x * 2.5 - 5).clamp(min=FLOOR)
        return torch.stack([y[:, b: b + WAVE] for y, b in zip(mel, at)]), *said

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "flow", "voice", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--minutes", type=float, default=30); a.add_argument("--start"); a.add_argument("--judge", help="state.pt of an earlier training, whose judge goes on"); a.add_argument("--dvectors"); a.add_argument("--heard", type=float, default=0.3, help="weight of who is heard"); a.add_argument("--said", type=float, default=0.3, help="weight of what is heard"); a.add_argument("--whisper", help="folder of Whisper in CTranslate2's format, to listen with beside the aligner"); a.add_argument("--ear", help="what train_ear.py made upon it"); a.add_argument("--alike", type=float, default=1.0, help="weight of what Whisper's encoder finds in the result and not in the recording, with --ear"); a.add_argument("--threads", type=int, default=1); a.add_argument("--rate", type=float, default=4e-4); a.add_argument("--batch", type=int, default=8); a.add_argument("--adversarial-from", type=float, default=0.25); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(5 + int(time.time())); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); shipped = load(o.voice); shipped.acoustic.requires_grad_(False)
    m = StableVc(STARTER); m.load_state_dict(torch.load(o.flow)["average"]); m.eval().requires_grad_(False); corpus = Corpus(o.sets.split(","), held_out); ears = Ears(shipped.aligner, o.whisper, o.ear)
    crops = Converted(corpus, m, shipped.acoustic, dvectors_of(torch.load(o.dvectors), corpus.items) if o.dvectors else {}, int(time.time()))
    v = short_sighted(o.start or o.voice).train(); average, judge = copy.deepcopy(v), Discriminator(); opt = torch.optim.AdamW(v.parameters(), o.rate, betas=(0.8, 0.99), weight_decay=0.01); opt_judge = torch.optim.AdamW(judge.parameters(), 4e-4, betas=(0.8, 0.99)); step, spent = 0, 0.0; state = out / "state.pt"
    if o.judge: judge.load_state_dict(torch.load(o.judge)["judge"])
    if state.exists(): s = torch.load(state); v.load_state_dict(s["model"]); average.load_state_dict(s["average"]); judge.load_state_dict(s["judge"]); opt.load_state_dict(s["opt"]); opt_judge.load_state_dict(s["opt_judge"]); step, spent = s["step"], s["spent"]
    def save(): torch.save({"model": v.state_dict(), "average": average.state_dict(), "judge": judge.state_dict(), "opt": opt.state_dict(), "opt_judge": opt_judge.state_dict(), "step": step, "spent": spent + time.time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    ahead = Ahead(lambda: crops.next(o.batch), crops.r)
    start = time.time(); saved = time.time(); running = {}
    while (progress := (spent + time.time() - start) / (60 * o.minutes)) < 1:
        for g in opt.param_groups: g["lr"] = o.rate * min(1, (step + 1) / 30) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))
        mel, f0, audio, narrow, labels, who = ahead.next(); l = {}; wave = v(mel, f0); clean = ~narrow; loss = 0
        if clean.any(): l["stft"] = stft_loss(wave[clean], audio[clean]); loss = loss + l["stft"] * clean.float().mean()
        if narrow.any(): l["real"] = stft_loss(wave[narrow], audio[narrow], NARROW); loss = loss + l["real"] * narrow.float().mean()
        if step % 2 == 0:
            l["said"], alike = ears.heard(wave, labels, audio); loss = loss + o.said * l["said"]
            if alike is not None: l["alike"] = alike; loss = loss + o.alike * alike
            known = who.square().sum(1)
            if known.any(): l["who"] = ((1 - (ears.who(wave) * who).sum(1)) * known).sum() / known.sum(); loss = loss + o.heard * l["who"]
        ramp = min(1.0, max(0.0, (progress - o.adversarial_from) * 10)); lots = [(x, band, x.float().mean()) for x, band in ((clean, 1.0), (narrow, NARROW)) if x.any()]
        if ramp > 0 or step % 3 == 0: l["judge"] = sum(share * discriminator_loss(judge(audio[x], band), judge(wave[x].detach(), band)) for x, band, share in lots); opt_judge.zero_grad(); l["judge"].backward(); opt_judge.step()
        if ramp > 0:
            judge.requires_grad_(False); heard_ = [(share, judge(audio[x], band), judge(wave[x], band)) for x, band, share in lots]; l["fool"] = sum(share * generator_loss(fake) for share, _, fake in heard_); l["feature"] = sum(share * feature_loss(real, fake) for share, real, fake in heard_); loss = loss + ramp * (0.1 * l["fool"] + l["feature"]); judge.requires_grad_(True)
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(v.parameters(), 2.0); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.99, step / (step + 10))
            for p, q in zip(average.parameters(), v.parameters()): p.lerp_(q, 1 - k)
        for key, x in l.items(): running[key] = 0.95 * running.get(key, float(x.detach())) + 0.05 * float(x.detach())
        if step % 20 == 0: print(step, f"{(spent + time.time() - start) / 60:.1f} min", " ".join(f"{key} {x:.3f}" for key, x in running.items()), flush=True)
        if time.time() - saved > 60: save(); saved = time.time()
    save(); ahead.close()

if __name__ == "__main__": main()
