#!/usr/bin/env python3
"""Voice conversion of held-out people, PyTorch: a look at a checkpoint while it trains.

    conversion.py --sets DIR[,DIR...] --voice FOLDER --flow state.pt [--vocoder state.pt] [--steps 4] [--pairs 20] [--chunk 160] [--tokens] [--prior] [--wav DIR]

Sources and targets are held-out virtual speakers and held-out people of LibriSpeech, each as source of the next. References: 10 s of
the target's other recordings. Prints similarity (Resemblyzer) to the target's and the source's recordings, how often the former is the
greater, how often the target is the nearest of all, the correlation of ln F0 (by pyworld) with the source. With --wav: clips and manifest.jsonl.
"""
import argparse, json, math, pathlib, random, sys
import numpy as np, torch
here = pathlib.Path(__file__).parent.parent; sys.path[:0] = [str(here / "stablevc"), str(here / "megatts2"), str(here), str(here / "vocoder")]
import harmonic_noise
from data import Corpus
from network import STARTER, StableVc, chunk_mask, level_of, normal
from shipped import load
from train_acoustic import held_out

@torch.no_grad()
def convert(m, mel, f0_relative, voiced, register, keys, steps=4, chunk=160, past=160, tokens=False, codes=None, seed=0, prior_only=False, temperature=1.0):
    """Source mel [100, T] -> (mel [100, T], ln F0 relative + register)."""
    t = mel.shape[1] // 2 * 2; mel = mel[None, :, :t]; e = m.content(mel)
    if tokens: e = m.content.centroids[m.content.tokens(e)]
    r = {"keys": keys[None], "speaker": m.speaker(keys[None])}
    if codes is not None: r |= {"style": m.style(codes[None]), "styled": torch.ones(1)}
    shape = m.shape(mel); h, mu = m.condition(m.hidden(e, r, chunk_mask(t // 2, chunk // 2, past // 2), shape), r, f0_relative[None, :t], voiced[None, :t], level_of(mel), torch.tensor([register]), shape)
    g = torch.Generator().manual_seed(seed); x = mu if prior_only else m.sample(mu, h, r, chunk_mask(t, chunk, past), temperature * torch.randn(1, 100, t, generator=g), steps)
    return x[0] * 2.5 - 5

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "voice", "flow"): a.add_argument("--" + n, required=True)
    a.add_argument("--vocoder"); a.add_argument("--steps", type=int, default=4); a.add_argument("--pairs", type=int, default=20); a.add_argument("--chunk", type=int, default=160); a.add_argument("--tokens", action="store_true"); a.add_argument("--temperature", type=float, default=1.0); a.add_argument("--prior", action="store_true", help="the prior mean, without the flow"); a.add_argument("--known", action="store_true", help="voices of the training instead, held-out lines: for choosing settings"); a.add_argument("--wav"); o = a.parse_args()
    torch.set_num_threads(1); shipped = load(o.voice); acoustic, vocoder = shipped.acoustic, shipped.vocoder; m = StableVc(STARTER); m.load_state_dict(torch.load(o.flow)["average"]); m.eval()
    if o.vocoder: vocoder.load_state_dict(torch.load(o.vocoder)["average"])
    corpus = Corpus(o.sets.split(","), held_out, longest=1200); voices = {}
    for u in corpus.held:
        if o.known and u.voice.startswith(("p_", "v_")) and u.voice in corpus.by_voice and u.frames > 200: voices.setdefault(u.voice, corpus.by_voice[u.voice][:6]).append(u)
        if not o.known and (u.voice.startswith("ls") or u.voice.startswith("v_") and int(u.voice[2:5]) >= 270): voices.setdefault(u.voice, []).append(u)
    from resemblyzer import VoiceEncoder, preprocess_wav; import pyworld, soundfile as sf
    encoder = VoiceEncoder("cpu", verbose=False); embed = lambda y: encoder.embed_utterance(preprocess_wav(y, 24000)); contour = lambda y: pyworld.stonemask(x := y.astype(np.float64), *pyworld.dio(x, 24000, f0_floor=55, f0_ceil=480, frame_period=12.5), 24000)
    rows = []
    for kind in ("p_", "v_") if o.known else ("v_", "ls"):
        names = sorted(k for k in voices if k.startswith(kind) and sum(u.frames for u in voices[k]) > 400)[: o.pairs]; refs, keys = [], []
        for k in names:
            have, parts, audio = 0, [], []
            for u in (voices[k] if o.known else sorted(voices[k], key=lambda u: u.key))[:-1] or voices[k]:
                n = min(u.frames, 800 - have)
                if n < 20: break
                parts.append(acoustic.timbre(normal(u.mel(0, n).T[None]))[0]); audio.append(u.audio(0, n)); have += n
            keys.append(torch.cat(parts)); refs.append(embed(torch.cat(audio).numpy()))
        refs = np.stack(refs); to, frm, won, top, corr = [], [], [], [], []
        for i, k in enumerate(names):
            j = (i + 7) % len(names); u = (voices[names[j]] if o.known else sorted(voices[names[j]], key=lambda u: u.key))[-1]; f0 = u.f0(); voiced = f0 > 40; own = torch.cat([v.f0() for v in voices[k]]); register = float(own[own > 40].log().median())
            mel = convert(m, u.mel().T, torch.where(voiced, f0.clamp(min=40).log() - u.register, 0), voiced.float(), register, keys[i], o.steps, o.chunk, 160, o.tokens, prior_only=o.prior, temperature=o.temperature); t = mel.shape[1]
            y = vocoder(mel[None], torch.where(voiced, torch.exp(f0.clamp(min=40).log() - u.register + register), 0)[None, :t])[0].numpy(); e = embed(y); s = refs @ e; to.append(s[i]); frm.append(s[j]); won.append(s[i] > s[j]); top.append(s.argmax() == i)
            p, q = contour(y), contour(u.audio().numpy()); n = min(len(p), len(q)); both = (p[:n] > 0) & (q[:n] > 0); corr.append(np.corrcoef(np.log(p[:n][both]), np.log(q[:n][both]))[0, 1])
            if o.wav:
                d = pathlib.Path(o.wav); d.mkdir(parents=True, exist_ok=True); sf.write(d / f"{k}.wav", y, 24000); sf.write(d / f"{k}_source.wav", u.audio().numpy(), 24000); text = {"text": u.x["text"]} if u.x["text"] else {}
                rows += [{"wav": f"{k}.wav", "group": kind + " converted"} | text, {"wav": f"{k}_source.wav", "group": kind + " source"} | text]
        print({"p_": "pure", "v_": "virtual", "ls": "real"}[kind], f"{len(names)} pairs, {o.steps} steps: similarity to target {np.mean(to):.3f}, to source {np.mean(frm):.3f}, nearer the target {100 * np.mean(won):.0f} %, top-1 {100 * np.mean(top):.0f} %, F0 correlation {np.mean(corr):.2f}", flush=True)
    if rows: (pathlib.Path(o.wav) / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))

if __name__ == "__main__": main()
