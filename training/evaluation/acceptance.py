#!/usr/bin/env python3
"""Does a folder of weights keep content, timbre and prosody apart, and do its prompts help? The tests that need data.

    acceptance.py --weights DIR --sets DIR[,DIR...] [--tests 1,2,3,4,5,7] [--count 24] [--out results.json]

1 codes: a linear probe finds the F0 contour in the prosody codes (R2 > 0.4) but not the speaker (at most twice chance)
2 swap: the same codes in two timbres keep their F0 contour (correlation > 0.8); each sounds like its reference
3 references: any references of a speaker reconstruct an utterance equally well (mel L1 within 5 %)
4 prompts: codes are likelier after a prompt of the speaker, the more so the longer it is (0, 3, 10, 60 s)
5 gamma: from own to donor prosody, mean and spread of F0 move steadily, the timbre stays (similarity within 0.02)
7 durations: predicted totals are within 20 % of the true ones, every symbol lasts

Utterances held out from training (train_acoustic.held_out) are judged; probes are fitted on utterances and judged on others.
Similarity (2, 5) is the cosine of Resemblyzer embeddings, `pip install resemblyzer`. One thread, a few minutes.
"""
import argparse, json, math, pathlib, random, sys
import numpy as np, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here.parent / "megatts2"), str(here.parent), str(here.parent / "vocoder")]
from data import Corpus
from model import expand, pool_content
from shipped import load
from train_acoustic import held_out

class Judge:
    def __init__(self, weights, corpus, count):
        self.s = load(weights); self.corpus, self.count = corpus, count; self.encoder = None; c = self.s.config["acoustic"]; self.rate = self.s.config["vocoder"]["mel"]["rate_hz"]
        self.r = c["prosody"]["pool"] // c["frames_per_unit"]; self.code_s = c["prosody"]["pool"] * self.s.config["vocoder"]["mel"]["hop"] / self.rate; self.memory = {}
    def everybody(self): return self.corpus.items + self.corpus.held
    def codes(self, u):
        """Prosody codes; of a model with registers from the mel moved to the one that codes are taken at."""
        p = self.s.acoustic.prosody
        if u.key not in self.memory: self.memory[u.key] = p.nearest(p.latents((u.prosody_mel() if self.s.config["acoustic"]["prosody"].get("register_hz") else u.mel().T)[None], torch.tensor([u.frames]))[0])[0]
        return self.memory[u.key]
    def content(self, ids): return self.s.acoustic.content(ids[None], torch.ones(1, len(ids), dtype=torch.bool))[0]
    def voice(self, items, frames=400):
        """Timbre keys of these utterances, and their median ln F0."""
        f0 = torch.cat([u.f0()[:frames] for u in items]); f0 = f0[f0 > 40]; return self.keys(items, frames), float(f0.log().median()) if len(f0) else 5.0
    def keys(self, items, frames): return torch.cat([self.s.acoustic.keys(u.mel(0, frames).T[None], torch.tensor([min(u.frames, frames)]))[0][0] for u in items])
    def decode(self, ids, voice, units, codes):
        """-> mel [100, T], F0 [T] in Hz, 0 where unvoiced."""
        (keys, register), (index, position), a = voice, expand(units), self.s.acoustic
        mel, f0, v = a.decode(self.content(ids)[None], keys[None], torch.ones(1, len(keys), dtype=torch.bool), keys.mean(0)[None], index[None], position[None], torch.ones(1, len(index), dtype=torch.bool), a.prosody.codebook[codes][None], torch.tensor([register]))
        return mel[0], torch.exp(f0[0]) * (v[0] > 0)
    def embedding(self, wave):
        if self.encoder is None:
            try: from resemblyzer import VoiceEncoder
            except ImportError: sys.exit("tests 2 and 5 need resemblyzer: pip install resemblyzer, or leave them out with --tests 1,3,4,7")
            self.encoder = VoiceEncoder("cpu", verbose=False)
        from resemblyzer import preprocess_wav
        return self.encoder.embed_utterance(preprocess_wav(np.asarray(wave, np.float32), source_sr=self.rate))
    def spoken(self, mel, f0): return self.s.vocoder(mel[None], f0[None])[0].numpy()
    def pure(self, least=8):
        """Voices with enough utterances to be told apart, and those utterances."""
        by = {}
        for u in self.everybody():
            if not u.voice.startswith("h_") and u.style == u.x["speaker"]: by.setdefault(u.voice, []).append(u)
        return {v: sorted(x, key=lambda u: u.key) for v, x in sorted(by.items()) if len(x) >= least}
    def prosody_prompt(self, u, seconds):
        """Other readings in the style of u, `seconds` of them or as many as there are."""
        others = [x for x in self.everybody() if x.style == u.style and x.x["n"] != u.x["n"]]; random.Random(u.key).shuffle(others); out, have = [], 0.0
        for x in others:
            if have >= seconds: break
            out.append(x); have += x.frames / 80
        return out[::-1], have
    # rows of the two language models, as train_prosody.py makes them
    def plm_row(self, u): return pool_content(self.content(u.ids()), expand(u.units())[0], self.r), self.codes(u)
    def plm_logits(self, prompt, content, codes):
        p = self.s.plm; c, t = [], []
        for z, k in prompt: c += [z, p.end_content[None]]; t += [torch.tensor([p.codes]), k]
        return p(torch.cat(c + [content])[None], torch.cat(t + [torch.tensor([p.codes]), codes])[None])[0]

def probe(x, y, train, classes):
    """Accuracy on the rest of a linear classifier fitted on `train` (ridge regression on one-hot targets)."""
    w = ridge(x[train], torch.nn.functional.one_hot(y[train], classes).float()); hit = (augmented(x[~train]) @ w).argmax(1) == y[~train]
    return float(torch.stack([hit[y[~train] == c].float().mean() for c in y[~train].unique()]).mean())

def augmented(x): return torch.cat([x, torch.ones(len(x), 1)], 1).double()
def ridge(x, y): a = augmented(x); return torch.linalg.solve(a.T @ a + 1e-3 * len(a) * torch.eye(a.shape[1], dtype=torch.float64), a.T @ y.double())

def codes_test(j):
    voices = j.pure(); book = j.s.acoustic.prosody.codebook; x, who, train, f_x, f_y, f_train, bags, bag_who, bag_train = [], [], [], [], [], [], [], [], []
    for i, (v, items) in enumerate(voices.items()):
        for n, u in enumerate(items):
            e = book[j.codes(u)]; pad = torch.nn.functional.pad(e, (0, 0, 2, 2)); w = torch.cat([pad[k: k + len(e)] for k in range(5)], 1); fit = n % 4 != 0
            x.append(w); who += [i] * len(e); train += [fit] * len(e); bags.append(torch.bincount(j.codes(u), minlength=len(book)).float() / len(e)); bag_who.append(i); bag_train.append(fit)
            f0 = u.f0(); f0 = torch.nn.functional.pad(f0, (0, -len(f0) % 8)).view(-1, 8)[: len(e)]; voiced = (f0 > 40).sum(1) >= 4; log = torch.where(f0 > 40, f0.clamp(min=1).log(), 0.0).sum(1) / (f0 > 40).sum(1).clamp(min=1)
            if voiced.any(): f_x.append(w[voiced]); f_y.append(log[voiced] - log[voiced].mean()); f_train += [fit] * int(voiced.sum())
    x, who, train = torch.cat(x), torch.tensor(who), torch.tensor(train); f_x, f_y, f_train = torch.cat(f_x), torch.cat(f_y), torch.tensor(f_train); s = len(voices)
    y = f_y[~f_train].double(); guess = (augmented(f_x[~f_train]) @ ridge(f_x[f_train], f_y[f_train, None]))[:, 0]; r2 = 1 - float((y - guess).square().sum() / (y - y.mean()).square().sum())
    by = {}
    for u in j.everybody(): by.setdefault((u.x["n"], u.style), []).append(u)
    twins = [(a, b) for group in by.values() for a in group for b in group if a.key < b.key and a.frames == b.frames and a.voice != b.voice][: 8 * j.count]
    same = [float((j.codes(a) == j.codes(b)).float().mean()) for a, b in twins]; spread = torch.bincount(torch.cat([j.codes(u) for u in j.everybody()[:: 3]]), minlength=len(book)).float(); spread = spread / spread.sum()
    accuracy = probe(x, who, train, s); bag = probe(torch.stack(bags), torch.tensor(bag_who), torch.tensor(bag_train), s)
    return {"speakers": s, "speaker_accuracy_over_chance": accuracy * s, "speaker_accuracy_over_chance_whole_utterances": bag * s, "f0_contour_r2": r2, "twin_pairs": len(same), "twin_code_agreement": float(np.mean(same)) if same else None,
            "chance_code_agreement": float((spread ** 2).sum()), "codes_used": int((spread > 0).sum()), "passed": accuracy * s <= 2 and r2 > 0.4}

def swap_test(j):
    voices = j.pure(); names = list(voices); r = random.Random(2); r.shuffle(names); refs = {v: voices[v][:4] for v in names[:8]}; own = {v: j.embedding(torch.cat([u.audio() for u in x]).numpy()) for v, x in refs.items()}; heard = {v: j.voice(x) for v, x in refs.items()}
    target = [u for u in sorted(j.corpus.held, key=lambda u: u.key) if u.frames > 160 and not u.voice.startswith("h_")][: j.count]; correlation, follows, near, far = [], [], [], []
    for u in target:
        a, b = r.sample(sorted(refs), 2); (ma, fa), (mb, fb) = (j.decode(u.ids(), heard[v], u.units(), j.codes(u)) for v in (a, b)); both = (fa > 0) & (fb > 0)
        if both.sum() > 20: correlation.append(float(np.corrcoef(fa[both].log(), fb[both].log())[0, 1]))
        for m, f, me, other in ((ma, fa, a, b), (mb, fb, b, a)): e = j.embedding(j.spoken(m, f)); near.append(float(e @ own[me])); far.append(float(e @ own[other])); follows.append(near[-1] > far[-1])
    return {"utterances": len(target), "f0_correlation": float(np.mean(correlation)), "similarity_own": float(np.mean(near)), "similarity_other": float(np.mean(far)), "follows_prompt": float(np.mean(follows)), "passed": float(np.mean(correlation)) > 0.8 and float(np.mean(follows)) > 0.9}

def reference_test(j, draws=5, seconds=10):
    table = []
    for u in sorted(j.corpus.held, key=lambda u: u.key):
        others = [x for x in j.corpus.by_voice.get(u.voice, []) if x.x["n"] != u.x["n"]]
        if len(others) < 6 or len(table) >= j.count: continue
        row = []
        for d in range(draws):
            r = random.Random(f"{u.key}{d}"); lot, have = [], 0
            while have < seconds * 80: lot.append(r.choice(others)); have += min(lot[-1].frames, 400)
            row.append(float((j.decode(u.ids(), j.voice(lot), u.units(), j.codes(u))[0] - u.mel().T[:, : 2 * int(u.units().sum())]).abs().mean()))
        table.append(row)
    x = np.array(table); mean = x.mean(0)
    return {"utterances": len(x), "mel_l1": float(x.mean()), "spread_of_means": float((mean.max() - mean.min()) / mean.mean()), "spread_within_utterance": float(((x.max(1) - x.min(1)) / x.mean(1)).mean()), "passed": bool((mean.max() - mean.min()) / mean.mean() <= 0.05)}

def prompt_test(j, lengths=(0, 3, 10, 60)):
    def nll(u, seconds):
        z, k = j.plm_row(u); prompt = [j.plm_row(x) for x in j.prosody_prompt(u, seconds)[0]] if seconds else []; y = j.plm_logits(prompt, torch.cat([z, j.s.plm.end_content[None]]), k)[-len(k) - 1: -1]
        return float(torch.nn.functional.cross_entropy(y, k))
    targets = [u for u in sorted(j.corpus.held, key=lambda u: u.key) if u.frames > 100 and not u.voice.startswith("h_")]; out = {}
    seen = {u.style for u in j.corpus.items}
    for name, group in (("lines_of_known_speakers", [u for u in targets if u.style in seen]), ("unknown_speakers", [u for u in targets if u.style not in seen])):
        for enough in (60, 10, 3):
            lot = [u for u in group if j.prosody_prompt(u, enough)[1] >= enough][: 2 * j.count]
            if len(lot) >= 5: out[name] = {"utterances": len(lot), "nats_per_code": {f"{s} s": float(np.mean([nll(u, s) for u in lot])) for s in lengths if s <= enough}}; break
    falls = [all(b < a for a, b in zip(v, v[1:])) for v in (list(x["nats_per_code"].values()) for x in out.values())]
    return out | {"passed": bool(falls) and all(falls)}

def durations(j, prompts, content, gamma=0.0):
    """ADM after one or two prompts (content, units), mixed in the domain of ln(1 + duration)."""
    a = j.s.adm; rows = []
    for prompt in prompts:
        c, p = [], []
        for z, u in prompt: t = torch.log1p(u.float()); q = torch.zeros(len(t), 2); q[1:, 0] = t[:-1]; q[0, 1] = 1; c.append(z); p.append(q)
        rows.append((c, p))
    own = torch.zeros(0, 2); out = []
    for i in range(len(content)):
        own = torch.cat([own, torch.tensor([[math.log1p(out[-1]) if out else 0.0, 0.0 if out else 1.0]])]); y = [float(a(torch.cat(c + [content[: i + 1]])[None], torch.cat(p + [own])[None])[0, -1]) for c, p in rows]
        out.append(int(max(1, min(100, round(math.expm1(y[0] if len(y) == 1 else (1 - gamma) * y[0] + gamma * y[1]))))))
    return torch.tensor(out)

def mixed_codes(j, prompts, pooled, gamma, seed, top_k=10):
    out = torch.zeros(0, dtype=torch.long); r = torch.Generator().manual_seed(seed); k = j.s.plm.codes
    for i in range(len(pooled)):
        p = [j.plm_logits(prompt, pooled[: i + 1], out)[-1, :k].softmax(0) for prompt in prompts]; v, at = ((1 - gamma) * p[0] + gamma * p[1]).topk(top_k); out = torch.cat([out, at[torch.multinomial(v, 1, generator=r)]])
    return out

def gamma_test(j, gammas=(0.0, 0.25, 0.5, 0.75, 1.0)):
    pairs = lines = max(2, j.count // 6)
    voices = j.pure(); f0 = {v: torch.cat([u.f0() for u in x]) for v, x in voices.items()}; spread = {v: float(f[f > 40].log().std()) for v, f in f0.items()}; order = sorted(voices, key=spread.get)
    texts = [u for u in sorted(j.corpus.held, key=lambda u: u.key) if 160 < u.frames < 400][:lines]; table = {g: [] for g in gammas}; ends = []
    for i in range(pairs):
        b, a = order[i], order[-1 - i]; heard = j.voice(voices[b][:4]); own = j.embedding(torch.cat([u.audio() for u in voices[b][:4]]).numpy()); said = {v: sorted(voices[v], key=lambda u: abs(u.frames - 300))[:2] for v in (b, a)}
        codes = [[j.plm_row(u) for u in said[v]] for v in (b, a)]; times = [[(j.content(u.ids()), u.units()) for u in said[v]] for v in (b, a)]; ends.append((spread[b], spread[a]))
        for g in gammas:
            logs, secs = [], []
            for n, u in enumerate(texts):
                z = j.content(u.ids()); units = durations(j, times, z, g); k = mixed_codes(j, codes, pool_content(z, expand(units)[0], j.r), g, n); mel, f = j.decode(u.ids(), heard, units, k); logs.append(f[f > 0].log()); secs.append(float(j.embedding(j.spoken(mel, f)) @ own))
            table[g].append((float(torch.cat(logs).mean().exp()), float(torch.cat(logs).std()), float(np.mean(secs))))
    x = {g: np.array(v).mean(0) for g, v in table.items()}; deviation = [x[g][1] for g in gammas]; similarity = [x[g][2] for g in gammas]
    return {"pairs": pairs, "lines": len(texts), "f0_spread_of_the_speakers": [float(v) for v in np.mean(ends, 0)], "by_gamma": {str(g): {"mean_f0_hz": float(x[g][0]), "f0_spread": float(x[g][1]), "similarity": float(x[g][2])} for g in gammas},
            "passed": bool(all(b >= a for a, b in zip(deviation, deviation[1:])) and max(similarity) - min(similarity) <= 0.02)}

def duration_test(j):
    ratios = []
    for u in [u for u in sorted(j.corpus.held, key=lambda u: u.key) if u.frames > 100][: j.count]:
        d = durations(j, [[(j.content(x.ids()), x.units()) for x in j.prosody_prompt(u, 10)[0]]], j.content(u.ids())); ratios.append(float(d.sum() / u.units().sum())); assert int(d.min()) >= 1
    x = np.array(ratios); return {"utterances": len(x), "mean_ratio": float(x.mean()), "within_20_percent": float((abs(x - 1) <= 0.2).mean()), "passed": bool(abs(x.mean() - 1) <= 0.2)}

TESTS = {"1": ("codes", codes_test), "2": ("swap", swap_test), "3": ("references", reference_test), "4": ("prompts", prompt_test), "5": ("gamma", gamma_test), "7": ("durations", duration_test)}

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--weights", required=True); a.add_argument("--sets", required=True); a.add_argument("--tests", default=",".join(TESTS)); a.add_argument("--count", type=int, default=24); a.add_argument("--out"); o = a.parse_args()
    torch.set_num_threads(1); torch.manual_seed(0); np.random.seed(0); j = Judge(o.weights, Corpus(o.sets.split(","), held_out), o.count); results = {}
    for number in o.tests.split(","):
        name, test = TESTS[number]; results[name] = test(j); print(number, name, json.dumps(results[name]), flush=True)
    if o.out: json.dump(results, open(o.out, "w"), indent=1)

if __name__ == "__main__": main()
