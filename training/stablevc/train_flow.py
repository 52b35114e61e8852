#!/usr/bin/env python3
"""StableVC: content module, style encoder, speaker encoder, duration module and flow module, over frozen content features.

    train_flow.py --sets DIR[,DIR...] --content state.pt --voice FOLDER --dvectors FILE.pt --out DIR --minutes M [--threads 2]

FOLDER holds the exported weights of the starter voice, whose MRTE gives timbre keys and whose prosody encoder gives style codes; both
stay frozen. Sets carry the F0 of the engine's tracker (track_pitch.py).

What is heard is another reading of the target than the target: the same reading in another timbre where there is one (frame-parallel),
or the target itself, moved along frequency and through other microphones (`train_content.heard`), as continuous features or as tokens, half of the time
each, with one of the extractor's look-aheads; half of the time the extractor hears it worse than it is (`misheard`), as it will hear people it has not learned from, while
the shape of the source is that of what was moved alone. References are other utterances of the target's voice, moved along frequency together with the target. Losses: flow matching, L1 on
the prior mean (and on its slope), the speaker encoder's distance to d-vectors of its voices, log durations of deduplicated tokens (a quarter of
the batches), a speaker classifier behind a gradient reversal on mean and spread of the style, and speaker consistency: readings of the batch in
each other's voices, judged by timbre encoder and speaker encoder of this very model; a network learns to tell the source from those
readings and they learn to hide it (`Telltale`). With --vocoder those readings also sound, through that frozen vocoder, and are listened to (`ears.py`): they
shall be near the d-vector of the voice and told from all others (`who`), no nearer to how the source sounds than the voice itself is (`whom`), and an
aligner (and, with --ear, Whisper's encoder) shall hear the sounds that were said (`said`). Once the flow learns, a step in two is of what one step of it makes, as shipped, judged by
L1 and by a critic of mels and voices (`Critic`), which looks at smooth spectra alone: harmonics are the vocoder's. Bands above 7.6 kHz of recordings at 16 kHz do not
count. With --content-rate the content extractor learns too, at that share of the rate: it keeps its phone posteriors and its speaker
classifier behind a gradient reversal, its centroids follow as a running mean. --minutes is wall time over every resumption. Resumable: DIR/state.pt.
"""
import argparse, copy, math, pathlib, random, sys, time
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import load_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent), str(here.parent / "vocoder")]
from ahead import Ahead
from data import REAL_BANDS, Corpus, to_register
from disguise import FLOOR, disguise, warp
from ears import Ears
from embed_voices import HIGHER, dvectors_of
from network import SIGMA_MIN, STARTER, TEMPERATURE, StableVc, chunk_mask, cosines, level_of, normal
from shipped import load
from train_acoustic import held_out
from train_content import Reverse, heard, miss
from train_vocoder import short_sighted

SHARES = {"pure": 0.2, "virtual": 0.27, "fast": 0.03, "pseudo": 0.1, "real": 0.4}
CROP = 208  # frames
LISTENED = 144  # frames of a crop that are listened to, 1.8 s
BEFORE = 800  # frames before a crop, at most, from which the mean of its shape is known

def misheard(mel, r):
    """A mel [100, T] in which sounds are harder to tell, half of the time: as the content extractor finds people whom it has not learned from."""
    if r.random() < 0.5: return mel
    mel = heard(mel, r, 0.3)
    for _ in range(r.randint(0, 3)): miss(mel, r, 1, 2, 14)
    if r.random() < 0.5: miss(mel, r, 0, 4, 24)
    return mel

class Batches:
    """Crops of targets, what is heard of them, and references by the same voice."""
    def __init__(self, corpus, dvectors, acoustic, seed, shape):
        self.corpus, self.acoustic, self.shape, self.r = corpus, acoustic, shape, random.Random(seed); self.pools = corpus.pools(SHARES)
        self.names = list(self.pools); self.weights = [SHARES[n] for n in self.names]; self.dvectors = dvectors_of(dvectors, corpus.items + corpus.held)
    def draw(self):
        """Groups by their share, then a voice, then one of its utterances: a voice with many recordings is no more frequent; the fast teacher's lines alone go by line."""
        name = self.r.choices(self.names, self.weights)[0]
        if name in ("fast", "pseudo"): return self.r.choice(self.pools[name])
        voices = self.__dict__.setdefault("_" + name, sorted({u.voice for u in self.pools[name]})); return self.r.choice(self.corpus.by_voice[self.r.choice(voices)])
    @torch.no_grad()
    def next(self, n):
        r, c = self.r, self.corpus; want = round(math.exp(r.uniform(math.log(100), math.log(800)))); refs = torch.zeros(n, 100, want)
        b = {k: torch.zeros(n, CROP) for k in ("f0", "voiced", "level", "weight")} | {"mel": torch.full((n, 100, CROP), FLOOR), "register": torch.zeros(n), "from": torch.zeros(n), "bands": torch.ones(n, 100), "shape": torch.zeros(n, CROP, self.shape.width), "d": torch.zeros(n, 256), "known": torch.zeros(n), "voice": torch.zeros(n, dtype=torch.long), "heard": torch.zeros(n, dtype=torch.long), "labels": torch.full((n, CROP // 2), -1)}
        source, content, prosody = (torch.full((n, 100, CROP), FLOOR) for _ in range(3))
        for i in range(n):
            u = self.draw(); a = 2 * r.randint(0, max(0, (u.frames - CROP) // 2)); z = min(u.frames, a + CROP); k = z - a; twin = c.twin(u, r) if r.random() < 0.6 else None
            mel, ref, register, h = u.mel(a, z).T, c.reference(u, r, want).T, u.register, 1.0; f0 = u.f0()[a:z]
            if not u.voice.startswith("h_") and r.random() < 0.55:
                h = r.choice(HIGHER); mel, ref, register = warp(mel, h), warp(ref, h), register + math.log(h)
            b["mel"][i, :, :k], b["weight"][i, :k], b["register"][i], b["voice"][i] = mel, 1.0, register, c.voice_id[u.voice]; voiced = f0 > 40
            b["f0"][i, :k] = torch.where(voiced, f0.clamp(min=40).log() - u.register, 0) + r.gauss(0, 0.015) * voiced; b["voiced"][i, :k] = voiced.float()
            if (u.voice, h) in self.dvectors: b["d"][i], b["known"][i] = self.dvectors[u.voice, h], 1.0
            if u.voice.startswith("ls"): b["bands"][i] = REAL_BANDS
            elif r.random() < 0.5: ref[REAL_BANDS == 0] = FLOOR
            if r.random() < 0.3: ref = disguise(ref[None], r)[0]
            refs[i] = ref; s = twin or u; b["from"][i] = s.register; b["heard"][i] = c.voice_id[s.voice]; b["labels"][i, : k // 2] = torch.repeat_interleave(u.ids(), u.units())[a // 2: z // 2]; begin = max(0, a - r.randint(0, BEFORE)); whole = heard(s.mel(begin, z).T, r, r.choice((0.06, 0.12, 0.2)), 0.75 if twin else 1.0); source[i, :, :k] = whole[:, a - begin:]; content[i, :, :k] = misheard(source[i, :, :k], r); b["shape"][i, :k] = self.shape(whole[None])[0, a - begin:] if r.random() < 0.92 else 0; prosody[i, :, :k] = to_register(s.mel(a, z).T, s.register - r.gauss(0, 0.04))
        b["level"], b["source"], b["plain"] = level_of(source), content, source; b["by"] = self.acoustic.timbre(normal(source))
        b["codes"] = self.acoustic.prosody.nearest(self.acoustic.prosody.latents(prosody, torch.full((n,), CROP))[0]); b["keys"] = self.acoustic.timbre(normal(refs))
        return b

def runs(tokens):
    """Tokens [B, U] -> first unit of each run, padded [B, N], which run each unit is in [B, U], run lengths [B, N], mask [B, N]."""
    new = F.pad(tokens[:, 1:] != tokens[:, :-1], (1, 0), value=True); at = new.cumsum(1) - 1; n = int(at[:, -1].max()) + 1
    length = torch.zeros(len(tokens), n).scatter_add_(1, at, torch.ones_like(at, dtype=torch.float)); first = torch.zeros(len(tokens), n, dtype=torch.long)
    first.scatter_(1, at.flip(1), torch.arange(tokens.shape[1]).expand_as(at).flip(1)); return first, at, length, length > 0

def flow(m, mu, h, target, w, r, mask):
    """Flow-matching loss in units of the field's standard deviation; a tenth of the voices is left out, for guidance."""
    n = len(target); t = torch.rand(n); t_ = t[:, None, None]; x0 = torch.randn_like(target); z = (1 - (1 - SIGMA_MIN) * t_) * x0 + t_ * target; keep = (torch.rand(n) > 0.1).float()
    r = r | {"keys": r["keys"] * keep[:, None, None], "speaker": r["speaker"] * keep[:, None], "styled": r["styled"] * keep}; base, scale, y = m.field(z, t, mu.detach(), h, r, mask)
    return (((target - (1 - SIGMA_MIN) * x0 - base) / scale - y).square() * w).sum() / w.sum()

class Telltale(nn.Module):
    """Normalised mel [B, bands, T] -> whom of the sources it was made from, as a speaker vector [B, features]: what a converted mel must not tell."""
    def __init__(self, bands, features, channels=128):
        super().__init__(); self.layers = nn.Sequential(nn.Conv1d(bands, channels, 5, stride=2), nn.SiLU(), nn.Conv1d(channels, channels, 3, dilation=2), nn.SiLU(), nn.Conv1d(channels, channels, 3, dilation=3), nn.SiLU()); self.output = nn.Linear(2 * channels, features)
    def forward(self, x): h = self.layers(x); return F.normalize(self.output(torch.cat([h.mean(2), h.std(2)], 1)), dim=1)

def smooth(mel, bands=84, cepstra=30):
    """Normalised mel [B, .., T] without harmonics, which the vocoder makes from F0: so many cepstra of its lowest bands, nothing of the others."""
    basis = cosines(bands, 0, cepstra); basis[0] /= math.sqrt(2)
    return F.pad((basis.T @ basis) @ mel[:, :bands], (0, 0, 0, mel.shape[1] - bands))

class Critic(nn.Module):
    """Normalised mel [B, bands, T] said to be of the voice v [B, features] -> what each layer finds, the last being marks of patches: 1 for recordings of the voice, 0 else."""
    def __init__(self, bands, features, channels=(32, 64, 128, 128)):
        super().__init__(); self.register_buffer("height", torch.linspace(-1, 1, bands)[None, None, :, None]); sizes = [2, *channels]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 5 if i == 0 else 3, stride=2 if i < 3 else 1, padding=2 if i == 0 else 1) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))); self.mark = nn.Conv2d(channels[-1], 1, 3, padding=1); self.voice = nn.Linear(features, channels[-1])
    def forward(self, x, v):
        x = x[:, None]; x = torch.cat([x, self.height.expand_as(x)], 1); found = []
        for layer in self.layers: x = F.leaky_relu(layer(x), 0.2); found.append(x)
        return found + [self.mark(x)[:, 0] + (x * self.voice(v)[..., None, None]).mean(1) * 4]

def one_step(m, mu, h, r, mask):
    """What one step of the flow module makes, as shipped: normalised mel [B, bands, T]."""
    return m.sample(mu, h, r, mask, TEMPERATURE * torch.randn_like(mu), 1)

def distances(x, target, w, mask):
    """L1 on a normalised mel [B, bands, T] of weights w, and on its slopes along time and along frequency."""
    total = w.sum(); slope = lambda d, u: ((torch.diff(x, dim=d) - torch.diff(target, dim=d)).abs() * u).sum() / total
    return ((x - target).abs() * w).sum() / total, slope(2, w[..., 1:]), slope(1, w[:, 1:] * mask)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "content", "voice", "dvectors", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--start", help="folder of exported weights to go on from, their content extractor included"); a.add_argument("--minutes", type=float, default=60); a.add_argument("--threads", type=int, default=2); a.add_argument("--rate", type=float, default=1e-3); a.add_argument("--batch", type=int, default=10); a.add_argument("--consistency", type=float, default=0.5); a.add_argument("--vocoder", help="folder of weights whose vocoder lets converted mels sound"); a.add_argument("--heard", type=float, default=1.0, help="weight of what is heard of converted mels, with --vocoder"); a.add_argument("--said", type=float, default=0.15, help="weight, within that, of the sounds that are heard"); a.add_argument("--whisper", help="folder of Whisper in CTranslate2's format, to listen with beside the aligner"); a.add_argument("--ear", help="what train_ear.py made upon it"); a.add_argument("--adversarial", type=float, default=0.1, help="weight of what a judge of mels and voices says of what one step makes"); a.add_argument("--leak", type=float, default=0.1, help="weight of hiding the source from the network that learns to tell it from converted mels"); a.add_argument("--apart", type=float, default=1.0, help="weight, within consistency, of being no nearer to the source than the target itself is"); a.add_argument("--content-rate", type=float, default=0.0); a.add_argument("--hard", type=float, default=0.5, help="share of the batch that hears tokens instead of features"); a.add_argument("--flow-from", type=float, default=0.35, help="share of the time before the flow module learns: until then the prior mean does, at a third of the cost"); o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(11 + int(time.time())); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); corpus = Corpus(o.sets.split(","), held_out); shipped = load(o.voice); acoustic = shipped.acoustic; acoustic.requires_grad_(False)
    m = StableVc(STARTER); taught = torch.load(o.content); m.content.load_state_dict(taught["average"]); m.content.requires_grad_(o.content_rate > 0); m.style.codebook.copy_(acoustic.prosody.codebook); batches = Batches(corpus, torch.load(o.dvectors), acoustic, int(time.time()), m.shape)
    judge = nn.Sequential(nn.Linear(2 * STARTER["style"]["channels"], 64), nn.SiLU(), nn.Linear(64, len(corpus.voices))); telling = nn.Sequential(nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, len(corpus.voices))); telltale = Telltale(STARTER["bands"], STARTER["speaker"]["features"]); critic = Critic(STARTER["bands"], STARTER["speaker"]["features"]); opt_critic = torch.optim.AdamW(critic.parameters(), 3e-4, betas=(0.8, 0.99)); judged = 0
    if o.start:  # what it did not know of the source yet counts nothing at first
        start = {k: v.float() for k, v in load_file(pathlib.Path(o.start) / "stablevc.safetensors").items()}; own = m.state_dict(); w = start["conditions.weight"]; start["conditions.weight"] = F.pad(w, (0, m.conditions.in_features - w.shape[1]))
        if "shaped.weight" in start: k = STARTER["frames_per_unit"]; w = start["shaped.weight"].unflatten(1, (k, -1)); start["shaped.weight"] = F.pad(w, (0, m.shape.width - w.shape[2])).flatten(1)
        m.load_state_dict(own | {k: v for k, v in start.items() if v.shape == own[k].shape})
    if not m.shape.mean.any(): m.shape.fit([heard(batches.draw().mel()[:400].T, batches.r, 0.2) for _ in range(400)])
    average = copy.deepcopy(m); every = torch.stack(list(batches.dvectors.values())); print(len(corpus.items), "utterances", len(corpus.voices), "voices", len(every), "d-vectors", flush=True)
    if o.vocoder: ears, vocoder = Ears(shipped.aligner, o.whisper, o.ear), short_sighted(o.vocoder).requires_grad_(False)
    if taught["judge"]["2.weight"].shape == telling[2].weight.shape: telling.load_state_dict(taught["judge"])
    mine = [*m.content.parameters()] if o.content_rate else []; others = [p for k, p in m.named_parameters() if not k.startswith("content.")] + [*judge.parameters(), *telltale.parameters()] + ([*telling.parameters()] if o.content_rate else []); params = mine + others
    opt = torch.optim.AdamW([{"params": others, "share": 1.0}, {"params": mine, "share": o.content_rate}] if mine else [{"params": others, "share": 1.0}], o.rate, betas=(0.9, 0.98), weight_decay=0.01); step, spent = 0, 0.0; state = out / "state.pt"
    if state.exists(): s = torch.load(state); m.load_state_dict(s["model"]); average.load_state_dict(s["average"]); judge.load_state_dict(s["judge"]); telltale.load_state_dict(s["telltale"]); critic.load_state_dict(s["critic"]); opt_critic.load_state_dict(s["opt_critic"]); judged = s["judged"]; step, spent = s["step"], s["spent"]; same = len(s["opt"]["param_groups"]) == len(opt.param_groups); opt.load_state_dict(s["opt"]) if same else None; print("resumed at", step, flush=True)
    def save(): torch.save({"model": m.state_dict(), "average": average.state_dict(), "judge": judge.state_dict(), "telltale": telltale.state_dict(), "critic": critic.state_dict(), "opt_critic": opt_critic.state_dict(), "judged": judged, "opt": opt.state_dict(), "step": step, "spent": spent + time.time() - start}, out / "state.tmp"); (out / "state.tmp").rename(state)
    def near(e, d, known):
        """Distance to the d-vectors and how well they are told from all others."""
        s = e @ every.T; own = (d @ every.T).argmax(1); return (((1 - (e * d).sum(1)) + 0.06 * F.cross_entropy(20 * s, own, reduction="none")) * known).sum() / known.sum().clamp(min=1)
    if step == 0 and not o.start:  # the speaker encoder first: it is small and all else builds on it
        first = torch.optim.AdamW(m.speaker.parameters(), 2e-3); begun = time.time()
        for k in range(100000):
            progress = (time.time() - begun) / (60 * min(4.0, 0.06 * o.minutes))
            if progress >= 1: break
            with torch.no_grad():
                want = batches.r.randint(100, 640); lot = [batches.draw() for _ in range(16)]; high = [1.0 if u.voice.startswith("h_") else batches.r.choice(HIGHER) for u in lot]
                refs = torch.stack([warp(corpus.reference(u, batches.r, want).T, h) for u, h in zip(lot, high)]); refs = torch.where(torch.rand(16, 1, 1) < 0.4, disguise(refs, batches.r), refs); keys = acoustic.timbre(normal(refs)); known = torch.tensor([float((u.voice, h) in batches.dvectors) for u, h in zip(lot, high)]); d = torch.stack([batches.dvectors.get((u.voice, h), every[0]) for u, h in zip(lot, high)])
            for g in first.param_groups: g["lr"] = 2e-3 * (1 - progress) + 1e-5
            loss = near(m.speaker(keys), d, known); first.zero_grad(); loss.backward(); first.step()
            if k % 50 == 0: print("speaker", k, f"{float(loss.detach()):.3f}", flush=True)
        average.speaker.load_state_dict(m.speaker.state_dict())
    ahead = Ahead(lambda: batches.next(o.batch), batches.r)
    start = time.time(); saved = time.time(); running = {}
    while (progress := (spent + time.time() - start) / (60 * o.minutes)) < 1:
        lr = o.rate * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1, progress))))
        for g in opt.param_groups: g["lr"] = lr * g["share"]
        b = ahead.next(); n = o.batch; l = {}
        with torch.set_grad_enabled(o.content_rate > 0): e = m.content(b["source"], batches.r.choice([0, 0, 1, -1, -1]))
        tokens = m.content.tokens(e.detach()); hard = (torch.rand(n) < o.hard)[:, None, None]; content = torch.where(hard, e + (m.content.centroids[tokens] - e).detach(), e)
        if o.content_rate:
            l["phones"] = F.cross_entropy(m.content.logits(e), b["labels"], ignore_index=-1, label_smoothing=0.1); f = Reverse.apply(e, 1.0); l["heard"] = F.cross_entropy(telling(torch.cat([f.mean(1), f.std(1)], 1)), b["heard"])
            with torch.no_grad():  # centroids follow their features
                flat, near_ = e.reshape(-1, e.shape[2]), tokens.flatten(); count = torch.bincount(near_, minlength=len(m.content.centroids)); mean = torch.zeros_like(m.content.centroids).index_add_(0, near_, flat) / count.clamp(min=1)[:, None]; m.content.centroids.lerp_(mean, 0.05 * (count > 0)[:, None].float())
        v = m.speaker(b["keys"]); l["speaker"] = near(v, b["d"], b["known"]); style = m.style(b["codes"]); styled = (torch.rand(n) < 0.6).float()
        f = Reverse.apply(style, min(1.0, step / 500)); l["style"] = F.cross_entropy(judge(torch.cat([f.mean(1), f.std(1)], 1)), b["voice"]); r = {"keys": b["keys"], "speaker": v.detach(), "style": style, "styled": styled}
        chunk = batches.r.choice([2, 4, 8, 16, 160, 160]); past = batches.r.choice([64, 128, 160]); mask, unit_mask = chunk_mask(CROP, chunk, past), chunk_mask(CROP // 2, chunk // 2, past // 2)
        shape = b["shape"] + 0.1 * torch.randn_like(b["shape"])
        if step % 4 == 3:
            first, at, length, there = runs(tokens); x = m.content.centroids[torch.gather(tokens, 1, first)]; x = m.hidden(x, r, there[:, None, None])
            l["duration"] = ((m.duration(x)[..., 0] - length.clamp(min=1).log()).square() * there).sum() / there.sum(); x = torch.gather(x, 1, at[..., None].expand(-1, -1, x.shape[2]))
        else: x = m.hidden(content, r, unit_mask, shape)
        h, mu = m.condition(x, r, b["f0"], b["voiced"], b["level"], b["register"], shape); target = normal(b["mel"]); w = b["weight"][:, None] * b["bands"][..., None]
        pairs = b["bands"][:, 1:, None] * b["bands"][:, :-1, None]; l["mean"], l["slope"], l["edges"] = distances(mu, target, w, pairs); flowing = progress >= o.flow_from; turn = [*range(1, n), 0]
        with torch.no_grad(): k = min(0.99, step / (step + 10)); m.spread.copy_((k * m.spread.square() + (1 - k) * ((mu - target).square() * w).sum((0, 2)) / w.sum((0, 2)).clamp(min=1)).sqrt().clamp(min=0.05))
        loss = l["mean"] + 0.3 * l["slope"] + 0.3 * l["edges"] + 0.3 * l["speaker"] + 0.1 * l.get("duration", 0) + 0.02 * l["style"] + 0.2 * l.get("phones", 0) + 0.03 * l.get("heard", 0)
        fake = None
        if aligned := flowing and step % 4 == 1:
            one = one_step(m, mu.detach(), h, r, mask); l["one"], slope, edges = distances(one, target, w, pairs); loss = loss + 2 * l["one"] + 0.3 * slope + 0.3 * edges; fake, voice, bands = one, r["speaker"], b["bands"]
        if flowing and step % 4 == 3: l["flow"] = flow(m, mu, h, target, w, r, mask); loss = loss + 0.6 * l["flow"]
        if o.consistency and step % 2 == 0:  # the same readings in each other's voices
            rx = r | {"keys": b["keys"][turn], "speaker": v.detach()[turn]}; hx, other = m.condition(m.hidden(content, rx, unit_mask, shape), rx, b["f0"], b["voiced"], b["level"], b["register"][turn], shape)
            if flowing: other = one_step(m, other, hx, rx, mask); fake, voice, bands = other, rx["speaker"], b["bands"][turn]
            other = torch.where(b["weight"][:, None] > 0, other, normal(torch.tensor(FLOOR)))
            for p in m.speaker.parameters(): p.requires_grad_(False)
            made = m.speaker(acoustic.timbre(other)); l["other"] = near(made, b["d"][turn], b["known"][turn])
            with torch.no_grad(): by = m.speaker(b["by"])
            l["apart"] = F.relu(((made - rx["speaker"]) * by).sum(1)).mean(); l["source"] = F.cross_entropy(10 * telltale(Reverse.apply(other, o.leak)) @ by.T, torch.arange(n)); loss = loss + o.consistency * (l["other"] + o.apart * l["apart"]) + l["source"]
            for p in m.speaker.parameters(): p.requires_grad_(True)
            if o.vocoder:
                at = [2 * batches.r.randint(0, max(0, (int(k) - LISTENED) // 2)) for k in b["weight"].sum(1)]; cut = lambda x, k=1: torch.stack([y[..., c // k: (c + LISTENED) // k] for y, c in zip(x, at)]); full = (cut(b["weight"]).mean(1) > 0.9).float()
                sounds = lambda mel, register: vocoder((cut(mel) * 2.5 - 5).clamp(min=FLOOR), cut(torch.exp(b["f0"] + register[:, None]) * b["voiced"])); wave = sounds(other, b["register"][turn]); e = ears.who(wave); l["who"] = near(e, b["d"][turn], b["known"][turn] * full)
                with torch.no_grad(): old = ears.who(sounds(normal(b["plain"]), b["from"]))
                l["whom"] = (F.relu(((e - b["d"][turn]) * old).sum(1)) * b["known"][turn] * full).sum() / n; l["said"], _ = ears.heard(wave, cut(b["labels"], 2))
                loss = loss + o.heard * (l["who"] + l["whom"] + o.said * l["said"])
        if fake is not None and o.adversarial:  # recordings that end or are narrow must not be known by that
            nothing = normal(torch.tensor(FLOOR)); shown = lambda x, bands: torch.where((b["weight"][:, None] * bands[..., None]) > 0, x, nothing); real, fake = smooth(shown(target, b["bands"])), smooth(shown(fake, bands)); own = r["speaker"]; strange = (b["voice"] != b["voice"][turn]).float()[:, None, None]
            marks = [critic(real, own)[-1], critic(fake.detach(), voice)[-1], critic(real, own[turn])[-1]]; l["critic"] = (marks[0] - 1).square().mean() + marks[1].square().mean() + 0.5 * (marks[2].square() * strange).mean(); opt_critic.zero_grad(); l["critic"].backward(); opt_critic.step(); judged += 1
            critic.requires_grad_(False); found = critic(fake, voice); l["fool"] = (found[-1] - 1).square().mean(); more = l["fool"]
            if aligned: l["feature"] = sum((x - y).abs().mean() for x, y in zip(found[:-1], critic(real, own)[:-1])); more = more + l["feature"]
            loss = loss + o.adversarial * min(1.0, judged / 200) * more; critic.requires_grad_(True)
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(params, 1.0); opt.step(); step += 1
        with torch.no_grad():
            k = min(0.998, step / (step + 20))
            for p, q in zip(average.parameters(), m.parameters()): p.lerp_(q, 1 - k)
            average.spread.copy_(m.spread); average.content.centroids.copy_(m.content.centroids)
        for key, x in l.items(): running[key] = 0.97 * running.get(key, float(x.detach())) + 0.03 * float(x.detach())
        if step % 20 == 0: print(step, f"{(spent + time.time() - start) / 60:.1f} min lr {lr:.1e}", " ".join(f"{key} {x:.3f}" for key, x in running.items()), f"spread {float(m.spread.mean()):.3f}", flush=True)
        if time.time() - saved > 120: save(); saved = time.time()
    save(); ahead.close()

if __name__ == "__main__": main()
