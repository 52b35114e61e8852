"""Clips for a model of raw audio: one rate, 8-bit codes, at full scale.

    data.py words --voices 'a b ...' --out lines.jsonl [--pitches '...'] [--words '...']   a batch for `syrinx say --batch lines.jsonl --out-dir raw`: likeliest readings
    data.py words --voices 'a b ...' --out lines.jsonl --lively N [--words '...']          N readings of each, drawn freely, at random speeds and pitches
    data.py cut --clips raw --out clips [--rate 8000] [--held TAKE ...]                    the first word of each, without faint noise; these takes apart
        [--monotone HZ] [--variants N] [--mark 'WORD ...']                                 on one pitch; and N - 1 more of each, up to 5 % slower or 8 % faster; each after its word's mark
    data.py piano --soundfont F.sf2 --out DIR [--count N] [--scale '...'] [--notes N]      notes of a piano one after the other, each after its mark, rendered by fluidsynth; some loudnesses apart
"""
import argparse, json, pathlib, random, subprocess, tempfile
import numpy as np, soundfile as sf, torch
from scipy.signal import hilbert, resample, resample_poly

RATE = 16000
DIGITS = "zero one two three four five six seven eight nine"

def mu_law(x): y = np.sign(x) * np.log1p(255 * np.abs(x + 1e-8)) / np.log(256); return np.clip(np.floor((y + 1) / 2 * 255.99 + 0.005), 0, 255).astype(np.uint8)

def codes(wave): """mu-law codes of a wave stretched to full scale, as the engine makes them."""; return mu_law((wave - wave.min()) / (wave.max() - wave.min() + 1e-6) * 2 - 1)

def read(file, rate=RATE):
    """The samples at this rate; at the file's own if none is given."""
    x, own = sf.read(file, dtype="float32", always_2d=True); x = x.mean(1); return x if rate in (None, own) else resample_poly(x, rate, own).astype(np.float32)

def files(folder): return sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix in (".wav", ".flac"))

def load(folder, samples):
    """uint8 [N, samples]: every clip of the folder in pieces from its start, a short one with silence after it; of a last piece only what is at least half full."""
    out = []
    for f in files(folder):
        if np.ptp(x := read(f, None)) >= 1e-4: c = codes(x); out += [padded(c[i:i + samples], samples) for i in range(0, max(1, len(c) - samples // 2), samples)]
    if not out: raise SystemExit(f"{folder}: no clips")
    return torch.from_numpy(np.stack(out))

def padded(c, samples): return np.pad(c[:samples], (0, max(0, samples - len(c))), constant_values=128)

def alone(c): """Codes without the silence after them, up to a whole number of 16."""; return c[:-(-(int(np.flatnonzero(np.asarray(c) != 128)[-1]) + 1) // 16) * 16]

class Varied:
    """Clips that are never the same twice: faster or slower by up to a share, softer by up to a half. Without this a few clips are learned by heart, and the model
    is lost as soon as its own samples differ from them."""
    def __init__(s, folder, samples, share): s.waves, s.samples, s.share, s.random = [read(f, None) for f in files(folder)], samples, share, np.random.default_rng(7)
    def __len__(s): return len(s.waves)
    def one(s): x = s.waves[s.random.integers(len(s.waves))]; x = resample(x, round(len(x) * s.random.uniform(1 - s.share, 1 + s.share))); return padded(mu_law(x / np.abs(x).max() * s.random.uniform(0.5, 1)), s.samples)
    def __getitem__(s, chosen): return torch.from_numpy(np.stack([s.one() for _ in chosen]))

def even(x):
    """The turn of all phases that makes both peaks of a wave equal, so that silence is the middle code when it is stretched to full scale."""
    h = np.imag(hilbert(x)); skew = lambda a: (y := np.cos(a) * x + np.sin(a) * h).max() + y.min(); lo, hi = 0.0, np.pi; sign = np.sign(skew(lo)) or 1.0
    for _ in range(30):
        mid = (lo + hi) / 2
        if skew(mid) * sign > 0: lo = mid
        else: hi = mid
    return lo

def turned(x, angle): return np.cos(angle) * x + np.sin(angle) * np.imag(hilbert(x))

def mark(at, rate):
    """What tells the word before its first sound: 4 ms at a faint level, six codes from the next word's. A model that draws it first has chosen the word, all are as likely, and nothing depends on how a word begins."""
    code = 6 * (at // 2 + 1) / 128; return np.full(rate // 250, round((1 if at % 2 else -1) * (256 ** code - 1) / 255 * 32767), np.int16)

def marked(wave, rate): """Which word a clip's mark tells."""; c = np.median(mu_law(wave[rate // 1000:rate // 250])) - 128; return 2 * (max(1, round(abs(c) / 6)) - 1) + (c > 0)

def full(y, fade=40, out=160):
    """int16 at full scale on both sides, faded in and out."""
    y = y.copy(); y[:fade] *= np.linspace(0, 1, fade); y[len(y) - out:] *= np.linspace(1, 0, out); y = np.round(y / np.abs(y).max() * 32766).astype(np.int16); y[y.argmin()] = -32767; y[y.argmax()] = 32766; return y

def first_word(file, rate, monotone=0.0, speed=1.0):
    """The word as `say` timed it, silent where it is some 50 dB below its loudest: noise there cannot be foreseen and costs the most bits."""
    word = json.loads(file.with_suffix(".json").read_text())["words"][0]; at = RATE if monotone else rate; x = read(file, at)[max(0, int((word["start"] - 0.07) * at)):int((word["end"] + 0.02) * at)]; n = rate // 100
    if monotone: x = resample_poly(sung(x, monotone, speed), rate, RATE)
    level = np.convolve(x * x, np.hanning(2 * n), "same"); gate = np.clip((10 * np.log10(level / level.max() + 1e-9) + 52) / 8, 0, 1); x = x * np.convolve(gate, np.ones(n // 2) / (n // 2), "same"); heard = np.flatnonzero(np.abs(x) > 0.004 * np.abs(x).max()); return x[heard[0]:heard[-1] + 1]

def sung(x, pitch, speed):
    """The word on one pitch, where it is voiced without any noise (WORLD): what comes is then much like what came a period ago, which little training can learn. Its consonants stay."""
    import pyworld
    x = x.astype(np.float64); f, t = pyworld.harvest(x, RATE, f0_floor=60, f0_ceil=400); envelope, noise = pyworld.cheaptrick(x, f, t, RATE), pyworld.d4c(x, f, t, RATE)
    at = np.arange(0, len(f) - 1, speed); i = at.astype(int); part = (at - i)[:, None]; voiced = ((f > 0) & (noise[:, :64].mean(1) < 0.9))[np.round(at).astype(int)]; envelope = np.exp((1 - part) * np.log(envelope[i]) + part * np.log(envelope[i + 1]))
    y = pyworld.synthesize(np.where(voiced, float(pitch), 0.0), np.ascontiguousarray(envelope), np.where(voiced[:, None], 1e-3, noise[i]), RATE); n = np.arange(len(y)); share = np.convolve(np.interp(n, np.arange(len(voiced)) * RATE // 200, voiced.astype(float)), np.hanning(80) / np.hanning(80).sum(), "same")
    return share * y + (1 - share) * np.interp(n * speed, np.arange(len(x)), x, right=0)

def midi(notes):
    """A MIDI file of one track: 480 ticks to half a second."""
    events = sorted([(round(t * 960), 1, p, v) for t, l, p, v in notes] + [(round((t + l * 0.98) * 960), 0, p, 0) for t, l, p, v in notes]); now, track = 0, b""
    def number(n): return (number(n >> 7)[:-1] + bytes([(number(n >> 7)[-1]) | 128]) if n > 127 else b"") + bytes([n & 127])
    for tick, on, p, v in events: track += number(tick - now) + bytes([0x90, p, v]); now = tick
    track += b"\x00\xff\x2f\x00"; return b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk" + len(track).to_bytes(4, "big") + track

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); what = a.add_subparsers(dest="what", required=True)
    w = what.add_parser("words"); w.add_argument("--voices", required=True); w.add_argument("--out", required=True); w.add_argument("--words", default=DIGITS); w.add_argument("--speed", type=float, default=1.15); w.add_argument("--pitches", default="-0.8 -0.4 -0.2 0 0.4 0.6 0.8"); w.add_argument("--lively", type=int, default=0)
    t = what.add_parser("cut"); t.add_argument("--clips", required=True); t.add_argument("--out", required=True, type=pathlib.Path); t.add_argument("--rate", type=int, default=8000); t.add_argument("--held", nargs="*", default=["-0.2", "0.6"]); t.add_argument("--monotone", type=float, default=0.0); t.add_argument("--variants", type=int, default=1); t.add_argument("--mark", default="")
    p = what.add_parser("piano"); p.add_argument("--soundfont", required=True); p.add_argument("--out", required=True, type=pathlib.Path); p.add_argument("--count", type=int, default=300); p.add_argument("--held", type=int, default=20); p.add_argument("--scale", default="60 62 64 67 69 72"); p.add_argument("--notes", type=int, default=2); p.add_argument("--seconds", type=float, default=0.384, help="of a note"); p.add_argument("--rate", type=int, default=8000)
    o = a.parse_args(); r = random.Random(3)
    if o.what == "words":
        still = [(p, {"speed": o.speed, "pitch": float(p), "seed": 3, "temperature": 0.0}) for p in o.pitches.split()]
        with open(o.out, "w") as f:
            for word in o.words.split():
                for voice in o.voices.split():
                    for reading in [(n, {"speed": round(r.uniform(0.9, 1.4), 2), "pitch": round(r.uniform(-2, 2), 1), "seed": r.randrange(1 << 30), "temperature": 1.0}) for n in range(o.lively)] or still:
                        # Before a comma a word is spoken as it is in a row of them; alone it trails off.
                        take, how = reading; name = f"{word}_{voice}_{take}"; f.write(json.dumps({"text": f"{word.capitalize()}, {word}.", "output": name + ".flac", "timing": name + ".json", "voice": voice} | how) + "\n")
    if o.what == "cut":
        # One turn of the phases for all clips of a word: else each would have a shape of its own.
        turns, known = {}, o.mark.split()
        for f in files(o.clips):
            word, _, take = f.stem.split("_")
            for n in range(o.variants):
                d = o.out / ("held" if take in o.held else "train"); d.mkdir(parents=True, exist_ok=True); x = first_word(f, o.rate, o.monotone, r.uniform(0.95, 1.08) if n else 1.0); x = full(turned(x, turns.setdefault(word, even(x)))); x = np.concatenate([mark(known.index(word), o.rate), x]) if known else x
                sf.write(d / f"{f.stem}{f'-{n}' if n else ''}.flac", x, o.rate, subtype="PCM_16"); print(f.stem, round(len(x) / o.rate, 3))
    if o.what == "piano":
        # All notes are one piece of music, so that the soundfont is loaded once; two seconds are a whole number of the synthesiser's blocks.
        scale = [int(p) for p in o.scale.split()]; loud = list(range(70, 111, 2)); kinds = [(p, v) for p in scale for v in loud]; samples = round(o.seconds * o.rate); quiet, fall = o.rate // 50, o.rate // 25
        with tempfile.TemporaryDirectory() as tmp:
            m = pathlib.Path(tmp) / "a.mid"; m.write_bytes(midi([(2 * n, 1.5, p, v) for n, (p, v) in enumerate(kinds)])); wav = m.with_suffix(".wav"); subprocess.run(["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-r", "48000", "-F", wav, o.soundfont, m], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); x = resample_poly(sf.read(wav)[0][:, 0], o.rate, 48000)
        begin = max(0, np.flatnonzero(np.abs(x) > 0.005 * np.abs(x).max())[0] - o.rate // 400); sounds, turns = {}, {}
        for n, (p, v) in reversed(list(enumerate(kinds))):
            at = begin + 2 * n * o.rate; y = x[at:at + samples - o.rate // 250 - quiet].copy(); y = turned(y, turns.setdefault(p, even(y))); y[:o.rate // 400] *= np.linspace(0, 1, o.rate // 400); y[-fall:] *= np.linspace(1, 0, fall); sounds[p, v] = y
        for n in range(o.count):
            held = n >= o.count - o.held; d = o.out / ("held" if held else "train"); d.mkdir(parents=True, exist_ok=True); chosen = [(r.choice(scale), r.choice([v for i, v in enumerate(loud) if (i % 4 == 2) == held])) for _ in range(o.notes)]
            # The turn is of the phases, the clip's scale of its loudest note; marks are as faint in every clip.
            y = full(np.concatenate([np.concatenate([np.zeros(o.rate // 250), sounds[c], np.zeros(quiet)]) for c in chosen]), out=1)
            for i, (p, _) in enumerate(chosen): y[i * samples:i * samples + o.rate // 250] = mark(scale.index(p), o.rate)
            sf.write(d / f"{n:03}_{'-'.join(str(p) for p, _ in chosen)}.flac", y, o.rate, subtype="PCM_16")

if __name__ == "__main__": main()
