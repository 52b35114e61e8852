#!/usr/bin/env python3
"""The whole starter voice in PyTorch, for judging checkpoints before they are exported.

    speak.py (--joint state.pt | --acoustic state.pt --vocoder state.pt) [--prosody state.pt] --sets DIR[,DIR...] --lines FILE --voices A,B --out DIR [--true]

Writes DIR/*.wav and DIR/manifest.jsonl for the evaluation. --true re-synthesises held-out utterances of the sets with
their own durations and codes instead of reading FILE (what stage 1 alone can do); --copy uses the true mels too.
"""
import argparse, json, pathlib, random, sys
import soundfile as sf, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent), str(here.parent / "vocoder")]
from data import Corpus
from model import Acoustic, DurationModel, ProsodyLm, STARTER, expand, pool_content
from train_acoustic import held_out
import harmonic_noise

POOL = STARTER["prosody"]["pool"] // STARTER["frames_per_unit"]

@torch.no_grad()
def durations(adm, prompt, content):
    """ADM, greedily, with the prompt sentences (content, units) as prefix; slow but plain: recomputes everything."""
    c, p = [], []
    for z, u in prompt:
        t = torch.log1p(u.float()); s = torch.zeros(len(t)); s[0] = 1; c.append(z); p.append(torch.stack([torch.cat([torch.zeros(1), t[:-1]]), s], 1))
    out = []
    for i in range(len(content)):
        t = torch.tensor([0.0] + [float(torch.log1p(torch.tensor(float(d)))) for d in out]); s = torch.zeros(len(t)); s[0] = 1
        y = adm(torch.cat(c + [content[: i + 1]])[None], torch.cat(p + [torch.stack([t, s], 1)])[None])[0, -1]
        out.append(int(max(1, min(100, round(float(torch.expm1(y)))))))
    return torch.tensor(out)

@torch.no_grad()
def codes(plm, prompt, pooled, r, top_k=10, temperature=1.0):
    c, t = [], []
    for z, k in prompt: c += [z, plm.end_content[None]]; t.append(torch.cat([torch.tensor([plm.codes]), k]))
    out = []
    for i in range(len(pooled)):
        y = plm(torch.cat(c + [pooled[: i + 1]])[None], torch.cat(t + [torch.tensor([plm.codes] + out)])[None])[0, -1, : plm.codes] / temperature
        v, k = y.topk(top_k); out.append(int(k[torch.multinomial(v.softmax(0), 1, generator=r)]))
    return torch.tensor(out)

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "out"): a.add_argument("--" + n, required=True)
    for n in ("joint", "acoustic", "vocoder"): a.add_argument("--" + n)
    a.add_argument("--prosody"); a.add_argument("--lines"); a.add_argument("--voices", default=""); a.add_argument("--true", action="store_true"); a.add_argument("--copy", action="store_true"); a.add_argument("--count", type=int, default=12); a.add_argument("--temperature", type=float, default=1.0); a.add_argument("--top-k", type=int, default=10); o = a.parse_args()
    torch.set_num_threads(1); torch.manual_seed(0); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); corpus = Corpus(o.sets.split(","), held_out); manifest = open(out / "manifest.jsonl", "w")
    m = Acoustic(STARTER); joint = torch.load(o.joint) if o.joint else {n: torch.load(getattr(o, n)) for n in ("acoustic", "vocoder")}; m.load_state_dict(joint["acoustic"]["average"]); m.eval(); v = harmonic_noise.HarmonicNoise(**harmonic_noise.STARTER); v.load_state_dict(joint["vocoder"]["average"]); v.eval()
    def wave(mel, f0): return v(mel, f0)[0].numpy()
    def write(name, y, text, reference, group):
        sf.write(out / f"{name}.wav", y * min(1, 0.95 / abs(y).max()), 24000); manifest.write(json.dumps({"wav": f"{name}.wav", "text": text, "group": group} | ({"reference": reference} if reference else {})) + "\n")
    def render(z, keys, g, units, c):
        index, position = expand(units); mask = torch.ones(1, len(index), dtype=torch.bool)
        mel, f0, voicing = m.decode(z[None], keys[None], torch.ones(1, len(keys), dtype=torch.bool), g[None], index[None], position[None], mask, m.prosody.codebook[c][None])
        return mel, torch.exp(f0) * (voicing > 0)
    def timbre(items):
        k = torch.cat([m.keys(u.mel(0, 400).T[None], torch.tensor([min(u.frames, 400)]))[0][0] for u in items]); return k, k.mean(0)
    if o.true:
        r = random.Random(1); held = [u for u in corpus.held if u.voice in corpus.by_voice and u.frames > 160]; r.shuffle(held)
        for u in held[: o.count]:
            ref = corpus.by_voice[u.voice][:4]; sf.write(out / f"{u.key}_ref.wav", torch.cat([x.audio() for x in ref]).numpy(), 24000); z = m.content(u.ids()[None], torch.ones(1, len(u.ids()), dtype=torch.bool))[0]
            if o.copy: mel, f0 = u.mel().T[None], u.f0()[None]
            else: mel, f0 = render(z, *timbre(ref), u.units(), m.prosody.nearest(m.prosody.latents(u.prosody_mel()[None], torch.tensor([u.frames]))[0])[0])
            write(u.key, wave(mel, f0), u.x["text"], f"{u.key}_ref.wav", "fast" if u.voice.startswith("h_") else "kokoro")
        return
    from hibari.g2p import G2P
    p = torch.load(o.prosody)["average"]; c = STARTER["content"]["channels"]; plm = ProsodyLm(c, STARTER["prosody"]["codes"], **STARTER["plm"]); adm = DurationModel(c, **STARTER["adm"])
    plm.load_state_dict({k[4:]: x for k, x in p.items() if k.startswith("plm.")}); adm.load_state_dict({k[4:]: x for k, x in p.items() if k.startswith("adm.")}); plm.eval(); adm.eval()
    vocab = json.load(open(here.parent / "vocab.json")); g2p = G2P()
    lines = [l.strip() for l in open(o.lines)][: o.count]
    for n, name in enumerate(o.voices.split(",")):
        items = sorted((u for u in corpus.by_voice[name] if u.frames > 160), key=lambda u: u.key); own = [u for u in items if u.x["style"] in (name, "h")] or items; keys, g = timbre(own[:6]); prompt = []
        sf.write(out / f"{name}_ref.wav", torch.cat([x.audio() for x in own[:3]]).numpy(), 24000)
        for u in sorted(own, key=lambda u: abs(u.frames - 300))[:2]:
            z = m.content(u.ids()[None], torch.ones(1, len(u.ids()), dtype=torch.bool))[0]; prompt.append((z, u.units(), pool_content(z, expand(u.units())[0], POOL), m.prosody.nearest(m.prosody.latents(u.prosody_mel()[None], torch.tensor([u.frames]))[0])[0]))
        for i, text in enumerate(lines):
            ids = torch.tensor([0] + [vocab[x] for x in g2p(text) if x in vocab] + [0]); z = m.content(ids[None], torch.ones(1, len(ids), dtype=torch.bool))[0]
            units = durations(adm, [(x[0], x[1]) for x in prompt], z); r = torch.Generator(); r.manual_seed(i); k = codes(plm, [(x[2], x[3]) for x in prompt], pool_content(z, expand(units)[0], POOL), r, o.top_k, o.temperature)
            write(f"{name}_{i:02d}", wave(*render(z, keys, g, units, k)), text, f"{name}_ref.wav", name)

if __name__ == "__main__": main()
