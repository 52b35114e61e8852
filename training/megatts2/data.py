"""Batches of aligned utterances with references by the same speaker, from sets made by prepare.py."""
import json, pathlib, random
import numpy as np, torch
from model import expand

class Speech:
    """A prepared set, memory-mapped."""
    def __init__(self, folder):
        d = pathlib.Path(folder); self.index = json.load(open(d / "index.json")); frames = sum(x["frames"] for x in self.index)
        self.mel = np.memmap(d / "mel.f16", np.float16, "r", shape=(frames, 100)); self.f0 = np.memmap(d / "f0.f16", np.float16, "r", shape=(frames,))
        self.audio = np.memmap(d / "audio.i16", np.int16, "r", shape=(frames * 300,)); self.units = np.memmap(d / "units.u8", np.uint8, "r"); self.ids = np.memmap(d / "ids.i16", np.int16, "r")

class Utterance:
    """One line of a set: views on its mel [T, 100], F0 [T], durations and symbol ids."""
    def __init__(self, speech, x, voice):
        self.speech, self.x, self.voice = speech, x, voice; self.frames = x["frames"]; self.key = x["key"]; self.style = x["style"]
        f, s = slice(x["frame"], x["frame"] + x["frames"]), slice(x["symbol"], x["symbol"] + x["symbols"])
        self.f, self.s = f, s
    def mel(self, a=0, b=None): return torch.from_numpy(np.asarray(self.speech.mel[self.f][a:b], np.float32))
    def f0(self): return torch.from_numpy(np.asarray(self.speech.f0[self.f], np.float32))
    def audio(self, a=0, b=None):
        start = self.f.start * 300; return torch.from_numpy(self.speech.audio[start + a * 300: (self.f.stop if b is None else self.f.start + b) * 300].astype(np.float32) / 32767)
    def units(self): return torch.from_numpy(np.asarray(self.speech.units[self.s], np.int64))
    def ids(self): return torch.from_numpy(np.asarray(self.speech.ids[self.s], np.int64))

def voice_of(speaker):
    """Speakers share a voice label; pseudo-speakers (h_WARP_F0) are binned by warp, the part a reference can show."""
    if not speaker.startswith("h_"): return speaker
    w = float(speaker.split("_")[1]); return "h_1.00" if w == 1.0 and speaker.endswith("_1.00") else f"h_{round(w * 50) / 50:.2f}b"

class Corpus:
    """Utterances of several sets, grouped by voice and drawn with a weight per group of voices."""
    def __init__(self, folders, hold_out=(), longest=960):
        self.items = []; self.held = []
        for folder in folders:
            s = Speech(folder)
            for x in s.index:
                u = Utterance(s, x, voice_of(x["speaker"]))
                if u.frames <= longest: (self.held if hold_out and hold_out(x) else self.items).append(u)
        self.by_voice = {}
        for u in self.items: self.by_voice.setdefault(u.voice, []).append(u)
        self.voices = sorted(self.by_voice); self.voice_id = {v: i for i, v in enumerate(self.voices)}
    def group(self, u): return "fast" if u.voice == "h_1.00" else "pseudo" if u.voice.startswith("h_") else "pure" if u.voice.startswith("p_") else "virtual"
    def batches(self, frames, weights, seed):
        """Endless batches of about `frames` frames, similar lengths together, groups drawn by `weights`."""
        r = random.Random(seed); pools = {}
        for u in self.items: pools.setdefault(self.group(u), []).append(u)
        names = [n for n in weights if n in pools]; share = [weights[n] for n in names]
        while True:
            lot = sorted((r.choice(pools[r.choices(names, share)[0]]) for _ in range(256)), key=lambda u: u.frames + r.uniform(-20, 20)); cuts = []; batch = []
            for u in lot:
                if batch and max(u.frames, max(v.frames for v in batch)) * (len(batch) + 1) > frames: cuts.append(batch); batch = []
                batch.append(u)
            r.shuffle(cuts)
            for b in cuts: yield self.collate(b, r)
    def reference(self, u, r, longest=320):
        """1-4 s of other utterances of the voice (never the target's own line)."""
        others = self.by_voice.get(u.voice, []); want = r.randint(80, longest); parts = []
        for _ in range(8):
            v = r.choice(others) if others else u
            if v.x["n"] == u.x["n"] and len(others) > 2: continue
            n = min(v.frames, r.randint(60, 200), want); a = r.randint(0, v.frames - n); parts.append(v.mel(a, a + n)); want -= n
            if want < 40: break
        return torch.cat(parts) if parts else u.mel(0, 120)
    def collate(self, items, r):
        n, s = len(items), max(len(u.ids()) for u in items); t = max(u.frames for u in items); refs = [self.reference(u, r) for u in items]; tr = max(len(x) for x in refs)
        b = {"ids": torch.zeros(n, s, dtype=torch.long), "symbol_mask": torch.zeros(n, s, dtype=torch.bool), "mel": torch.zeros(n, 100, t), "f0": torch.zeros(n, t), "frames": torch.tensor([u.frames for u in items]),
             "index": torch.zeros(n, t // 2, dtype=torch.long), "position": torch.zeros(n, t // 2, 3), "unit_mask": torch.zeros(n, t // 2, dtype=torch.bool), "references": torch.full((n, 100, tr), -5.0), "reference_frames": torch.tensor([len(x) for x in refs]),
             "voice": torch.tensor([self.voice_id.get(u.voice, 0) for u in items]), "items": items}
        for i, (u, x) in enumerate(zip(items, refs)):
            ids = u.ids(); index, position = expand(u.units()); b["ids"][i, : len(ids)] = ids; b["symbol_mask"][i, : len(ids)] = True; b["mel"][i, :, : u.frames] = u.mel().T; b["f0"][i, : u.frames] = u.f0()
            b["index"][i, : len(index)] = index; b["position"][i, : len(index)] = position; b["unit_mask"][i, : len(index)] = True; b["references"][i, :, : len(x)] = x.T
        return b
