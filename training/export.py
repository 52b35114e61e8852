#!/usr/bin/env python3
"""Write the starter voice exactly as the engine loads it.

    export.py (--joint state.pt | --acoustic state.pt --vocoder state.pt) --prosody state.pt [--aligner state.pt] --sets DIR[,DIR...] --voices voices.json --out DIR

Writes config.json, acoustic, plm, adm, vocoder, aligner and voices.safetensors (fp16) and voices.json. A built-in voice is its timbre keys (20 s of references), its register (median ln F0) and two prosody prompts (symbols, durations,
codes), computed from the prepared sets.
"""
import argparse, json, math, pathlib, random, sys
import torch
from safetensors.torch import save_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here / "megatts2"), str(here), str(here / "vocoder")]
from aligner import ALIGNER
from data import Corpus
from model import REGISTER, Acoustic, STARTER
import harmonic_noise

MEL = {"rate_hz": 24000, "n_fft": 1200, "win": 1200, "hop": 300, "bands": 100, "fmin": 0.0, "fmax": 12000.0, "scale": "slaney", "norm": "slaney",
       "log": "ln", "floor": 1e-5, "power": 1, "framing": "centred_drop_last", "pad": "reflect"}
LOWEST_SCORE = -0.65  # nats per unit: of held-out lines 99 % lie above -0.4, of mismatched texts 99 % below -1.0
LEVEL_DB = -21.0  # of voiced speech, the same for every voice

def half(state, drop=()): return {k: v.half().contiguous() if v.is_floating_point() else v.contiguous() for k, v in state.items() if k not in drop}

@torch.no_grad()
def voice(model, corpus, spec, seconds=20, prompts=2):
    """Timbre keys and prosody prompts of one voice; `spec` names the speaker of the sets whose recordings are used."""
    items = sorted((u for u in corpus.by_voice[spec["speaker"]] if u.frames >= 160), key=lambda u: u.key); own = [u for u in items if u.x["style"] in (spec["speaker"], "h")] or items
    if spec.get("prefix"): own = [u for u in own if u.key.startswith(spec["prefix"])] or own
    r = random.Random(11); r.shuffle(own); keys, have = [], 0
    for u in own:
        if have >= seconds * 80: break
        n = min(u.frames, 400); k, _, _ = model.keys(u.mel(0, n).T[None], torch.tensor([n])); keys.append(k[0]); have += n
    f0 = torch.cat([u.f0() for u in own[:20]]); register = float(f0[f0 > 40].log().median()) if (f0 > 40).any() else REGISTER
    out = {"keys": torch.cat(keys).half(), "register": torch.tensor([register])}; chosen = sorted(own, key=lambda u: abs(u.frames - 300))[:prompts]
    for i, u in enumerate(chosen):
        z, _ = model.prosody.latents(u.prosody_mel()[None], torch.tensor([u.frames]))
        out[f"prompt.{i}.symbols"] = u.ids().to(torch.uint8); out[f"prompt.{i}.units"] = u.units().to(torch.uint8); out[f"prompt.{i}.codes"] = model.prosody.nearest(z)[0].int()
    audio = torch.cat([u.audio() for u in own[:20]]).view(-1, 300); voiced = audio[f0[: len(audio)] > 40]
    gain = LEVEL_DB - 10 * torch.log10(voiced.square().mean()); room = -1 - 20 * torch.log10(audio.abs().flatten().sort().values[int(0.9999 * audio.numel())])
    return out, math.exp(register), float(torch.minimum(gain, room).clamp(-12, 12))

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("prosody", "sets", "voices", "out"): a.add_argument("--" + n, required=True)
    for n in ("joint", "acoustic", "vocoder", "aligner"): a.add_argument("--" + n)
    o = a.parse_args(); joint = torch.load(o.joint) if o.joint else {n: torch.load(getattr(o, n)) for n in ("acoustic", "vocoder")}; out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    acoustic = Acoustic(STARTER); acoustic.load_state_dict(joint["acoustic"]["average"]); acoustic.eval(); vocoder = joint["vocoder"]["average"]; prosody = torch.load(o.prosody)["average"]
    save_file(half(acoustic.state_dict(), ("prosody.usage", "prosody.total")), out / "acoustic.safetensors"); save_file(half(vocoder), out / "vocoder.safetensors")
    for n in ("plm", "adm"): save_file(half({k[4:]: v for k, v in prosody.items() if k.startswith(n + ".")}), out / f"{n}.safetensors")
    if o.aligner: save_file(half(torch.load(o.aligner)["average"]), out / "aligner.safetensors")
    corpus = Corpus(o.sets.split(",")); tensors, table = {}, []
    for spec in json.load(open(o.voices)):
        t, f0, gain = voice(acoustic, corpus, spec); tensors |= {f"{spec['name']}.{k}": v for k, v in t.items()}
        table.append({k: spec[k] for k in ("name", "sex", "accent", "description")} | {"median_f0_hz": round(f0, 1), "gain_db": round(gain, 1), "prompts": sum(k.endswith("codes") for k in t)})
    save_file(tensors, out / "voices.safetensors"); json.dump(table, open(out / "voices.json", "w"), indent=1)
    json.dump({"format": "syrinx-starter-voice", "version": 1, "acoustic": STARTER, "vocoder": {"mel": MEL} | harmonic_noise.STARTER} | ({"aligner": ALIGNER | {"lowest_score": LOWEST_SCORE}} if o.aligner else {}), open(out / "config.json", "w"), indent=1)
    for f in sorted(out.iterdir()): print(f.name, f.stat().st_size)

if __name__ == "__main__": main()
