"""Batches of aligned utterances with references by the same speaker, from sets made by prepare.py."""
import json, math, pathlib, random, sys
import numpy as np, torch
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from disguise import FLOOR, _centres, disguise, warp
from level import gain_of
from model import REGISTER, STARTER, expand

REAL_BANDS = torch.from_numpy((_centres() < 7600).astype(np.float32))  # what recordings at 16 kHz can teach

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
    @property
    def gain(self):
        """Factor that brings it to the common speech level."""
        if not hasattr(self, "_gain"): self._gain = gain_of(self.speech.audio[self.f.start * 300: self.f.stop * 300].astype(np.float32) / 32767)
        return self._gain
    def mel(self, a=0, b=None): return torch.from_numpy(np.maximum(np.asarray(self.speech.mel[self.f][a:b], np.float32) + math.log(self.gain), FLOOR))
    def f0(self): return torch.from_numpy(np.asarray(self.speech.f0[self.f], np.float32))
    def audio(self, a=0, b=None):
        start = self.f.start * 300; return torch.from_numpy(self.speech.audio[start + a * 300: (self.f.stop if b is None else self.f.start + b) * 300].astype(np.float32) / 32767 * self.gain)
    @property
    def register(self):
        """Median ln F0 of what is voiced."""
        if not hasattr(self, "_register"): f = self.f0(); f = f[f > 40]; self._register = float(f.log().median()) if len(f) > 8 else REGISTER
        return self._register
    def prosody_mel(self, by=0.0): return to_register(self.mel().T, self.register - by)
    def units(self): return torch.from_numpy(np.asarray(self.speech.units[self.s], np.int64))
    def ids(self): return torch.from_numpy(np.asarray(self.speech.ids[self.s], np.int64))

def to_register(mel, register):
    """Mel [bands, T] of a voice whose median ln F0 is `register`, moved along frequency to the one register prosody codes are taken at."""
    return warp(mel, math.exp(min(0.7, max(-0.7, math.log(STARTER["prosody"]["register_hz"]) - register))))

def voice_of(speaker):
    """Speakers share a voice label; pseudo-speakers (h_WARP_F0) are binned by warp, the part a reference can show."""
    if not speaker.startswith("h_"): return speaker
    w = float(speaker.split("_")[1]); return "h_1.00" if w == 1.0 and speaker.endswith("_1.00") else f"h_{round(w * 50) / 50:.2f}b"

class Corpus:
    """Utterances of several sets, grouped by voice and drawn with a weight per group of voices."""
    def __init__(self, folders, hold_out=(), longest=960, disguised=False, longest_reference=800):
        self.disguised, self.longest_reference = disguised, longest_reference; self.items = []; self.held = []
        for folder in folders:
            s = Speech(folder)
            for x in s.index:
                u = Utterance(s, x, voice_of(x["speaker"]))
                if u.frames <= longest: (self.held if hold_out and hold_out(x) else self.items).append(u)
        self.by_voice = {}
        for u in self.items: self.by_voice.setdefault(u.voice, []).append(u)
        self.voices = sorted(self.by_voice); self.voice_id = {v: i for i, v in enumerate(self.voices)}; self.readings = {}
        for u in self.items: self.readings.setdefault(self.reading(u), []).append(u)
    def group(self, u): return "fast" if u.voice == "h_1.00" else "pseudo" if u.voice.startswith("h_") else "real" if u.voice.startswith("ls") else "pure" if u.voice.startswith("p_") else "virtual"
    def pools(self, shares):
        """Utterances by group, those groups of `shares` of which there are any, in its order."""
        found = {}
        for u in self.items: found.setdefault(self.group(u), []).append(u)
        return {n: found[n] for n in shares if n in found}
    def reading(self, u):
        """What a line and its prosody are known by; all pseudo-speakers share one prosody."""
        return u.x["n"], "h" if u.voice.startswith("h_") else u.style
    def twin(self, u, r):
        """The same reading in another timbre, frame by frame, or None."""
        others = [v for v in self.readings.get(self.reading(u), ()) if v.key != u.key and v.frames == u.frames]
        return r.choice(others) if others else None
    def batches(self, frames, weights, seed):
        """Endless batches of about `frames` frames, similar lengths together, groups drawn by `weights`."""
        r = random.Random(seed); pools = self.pools(weights); names = list(pools); share = [weights[n] for n in names]
        while True:
            lot = sorted((r.choice(pools[r.choices(names, share)[0]]) for _ in range(256)), key=lambda u: u.frames + r.uniform(-20, 20)); cuts = []; batch = []
            for u in lot:
                if batch and max(u.frames, max(v.frames for v in batch)) * (len(batch) + 1) > frames: cuts.append(batch); batch = []
                batch.append(u)
            r.shuffle(cuts)
            for b in cuts: yield self.collate(b, r)
    def reference(self, u, r, want):
        """`want` frames of other utterances of the voice (never the target's own line), [want, 100]; repeated where there are too few."""
        others = [v for v in self.by_voice.get(u.voice, []) if v.x["n"] != u.x["n"]] or [u]; parts, have = [], 0; r.shuffle(others)
        for v in others * 64:
            n = min(v.frames, r.randint(60, 400), want - have); a = r.randint(0, v.frames - n); parts.append(v.mel(a, a + n)); have += n
            if have >= want: break
        return torch.cat(parts)
    def collate(self, items, r):
        """With `self.disguised`, the way stage 1 learns: the voice of target and references moved together along frequency,
        references through other microphones, the prosody encoder hearing another timbre and register than the target's."""
        want = round(math.exp(r.uniform(math.log(80), math.log(self.longest_reference)))); refs = torch.stack([self.reference(u, r, want).T for u in items])
        n, s = len(items), max(len(u.ids()) for u in items); t = max(u.frames for u in items)
        b = {"ids": torch.zeros(n, s, dtype=torch.long), "symbol_mask": torch.zeros(n, s, dtype=torch.bool), "mel": torch.zeros(n, 100, t), "prosody_mel": torch.zeros(n, 100, t), "f0": torch.zeros(n, t), "frames": torch.tensor([u.frames for u in items]),
             "index": torch.zeros(n, t // 2, dtype=torch.long), "position": torch.zeros(n, t // 2, 3), "unit_mask": torch.zeros(n, t // 2, dtype=torch.bool), "references": refs, "reference_frames": torch.full((n,), want), "bands": torch.ones(n, 100), "register": torch.zeros(n),
             "voice": torch.tensor([self.voice_id.get(u.voice, 0) for u in items]), "items": items}
        for i, u in enumerate(items):
            ids = u.ids(); index, position = expand(u.units()); b["ids"][i, : len(ids)] = ids; b["symbol_mask"][i, : len(ids)] = True; mel, f0 = u.mel().T, u.f0(); source, register = u, u.register
            if self.disguised:
                twin = self.twin(u, r)
                if twin is not None and r.random() < 0.5: source = twin
                if r.random() < 0.4:
                    alpha = math.exp(r.uniform(-0.15, 0.15)); mel, refs[i], f0 = warp(mel, alpha), warp(refs[i], alpha), f0 * alpha; register += math.log(alpha); b["voice"][i] = -1
                if not u.voice.startswith("ls") and r.random() < 0.5: refs[i, REAL_BANDS == 0] = FLOOR
                if r.random() < 0.3: refs[i: i + 1] = disguise(refs[i: i + 1], r)
            if u.voice.startswith("ls"): b["bands"][i] = REAL_BANDS
            b["mel"][i, :, : u.frames], b["prosody_mel"][i, :, : u.frames], b["f0"][i, : u.frames], b["register"][i] = mel, source.prosody_mel(r.gauss(0, 0.04) if self.disguised else 0), f0, register
            b["index"][i, : len(index)] = index; b["position"][i, : len(index)] = position; b["unit_mask"][i, : len(index)] = True
        return b
