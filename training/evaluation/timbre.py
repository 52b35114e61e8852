#!/usr/bin/env python3
"""Does the voice follow its reference? Held-out speakers, readings of others, PyTorch; a quick look while training.

    timbre.py --sets DIR[,DIR...] (--weights FOLDER | --acoustic state.pt --vocoder state.pt | --joint state.pt) [--seconds 10] [--speakers 20] [--wav DIR]

For each held-out speaker, two readings of other people (durations and prosody codes from them) in the timbre of a reference
of that length: cosine similarity (Resemblyzer) to the reference, how often the right one of all references is the nearest,
the correlation of ln F0 with the reading it was taken from, and the error of the median F0 in semitones.
"""
import argparse, math, pathlib, random, sys
import numpy as np, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here.parent / "megatts2"), str(here.parent), str(here.parent / "vocoder")]
import harmonic_noise
from data import Corpus
from model import Acoustic, STARTER, expand
from shipped import load
from train_acoustic import held_out

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--sets", required=True)
    for n in ("weights", "acoustic", "vocoder", "joint", "wav"): a.add_argument("--" + n)
    a.add_argument("--seconds", type=float, default=10); a.add_argument("--speakers", type=int, default=20); a.add_argument("--natural", action="store_true", help="references at their own level, as earlier weights were trained"); o = a.parse_args()
    torch.set_num_threads(1); torch.manual_seed(0); r = random.Random(0)
    shipped = load(o.weights) if o.weights else None; m = shipped.acoustic if shipped else Acoustic(STARTER); v = shipped.vocoder if shipped else harmonic_noise.HarmonicNoise(**harmonic_noise.STARTER)
    if o.joint: s = torch.load(o.joint); m.load_state_dict(s["acoustic"]["average"]); v.load_state_dict(s["vocoder"]["average"])
    if o.acoustic: m.load_state_dict(torch.load(o.acoustic)["average"])
    if o.vocoder: v.load_state_dict(torch.load(o.vocoder)["average"])
    m.eval(); v.eval(); corpus = Corpus(o.sets.split(","), held_out, longest=2000); by_voice = {}
    for u in corpus.held:
        if u.voice.startswith("ls") or u.voice.startswith("v_") and int(u.voice[2:5]) >= 270: by_voice.setdefault(u.voice, []).append(u)
    readings = [u for u in corpus.held if u.x["n"] % 97 == 0 and u.frames > 240 and u.voice not in by_voice]; r.shuffle(readings)
    from resemblyzer import VoiceEncoder, preprocess_wav; enc = VoiceEncoder("cpu", verbose=False)
    def embed(y): return enc.embed_utterance(preprocess_wav(y, 24000))
    for kind in ("v_", "ls"):
        names = sorted(k for k in by_voice if k.startswith(kind) and (kind == "ls" or sum(u.frames for u in by_voice[k]) > 400))[: o.speakers]; refs, made, corr, shift = [], [], [], []
        for i, name in enumerate(names):
            items = by_voice[name]; keys, have, audio = [], 0, []
            for u in items:
                n = min(u.frames, round(o.seconds * 80) - have)
                if n < 20: break
                if o.natural: u._gain = 1.0
                mel = u.mel(0, n).T[None]; keys.append(m.keys(mel, torch.tensor([n]))[0][0]); audio.append(u.audio(0, n)); have += n
            k = torch.cat(keys); refs.append(embed(torch.cat(audio).numpy())); own = torch.cat([u.f0() for u in items]); own = own[own > 40].log()
            for j in range(2):
                u = readings[(2 * i + j) % len(readings)]; z = m.content(u.ids()[None], torch.ones(1, len(u.ids()), dtype=torch.bool)); c = m.prosody.nearest(m.prosody.latents(u.prosody_mel()[None], torch.tensor([u.frames]))[0]); index, position = expand(u.units())
                mel, f0, voicing = m.decode(z, k[None], torch.ones(1, len(k), dtype=torch.bool), k.mean(0)[None], index[None], position[None], torch.ones(1, len(index), dtype=torch.bool), m.prosody.codebook[c], own.median()[None])
                y = v(mel, torch.exp(f0) * (voicing > 0))[0].numpy(); made.append((i, embed(y))); both = (u.f0() > 40) & (voicing[0] > 0)
                corr.append(float(np.corrcoef(f0[0][both].numpy(), u.f0()[both].log().numpy())[0, 1])); shift.append(12 / math.log(2) * float(f0[0][voicing[0] > 0].median() - own.median()))
                if o.wav: import soundfile as sf; pathlib.Path(o.wav).mkdir(exist_ok=True, parents=True); sf.write(f"{o.wav}/{name}_{j}.wav", y, 24000); sf.write(f"{o.wav}/{name}_ref.wav", torch.cat(audio).numpy(), 24000)
        if not made: continue
        refs = np.stack(refs); sims = [float(refs[i] @ e) for i, e in made]; top = [int((refs @ e).argmax() == i) for i, e in made]; between = refs @ refs.T; np.fill_diagonal(between, np.nan)
        print({"v_": "virtual", "ls": "real"}[kind], f"{len(names)} speakers: similarity {np.mean(sims):.3f} (among references {np.nanmean(between):.3f})  top-1 {np.mean(top):.2f}  F0 correlation {np.mean(corr):.2f}  median F0 off by {np.mean(np.abs(shift)):.1f} st", flush=True)

if __name__ == "__main__": main()
