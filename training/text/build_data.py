"""Builds the binary tables of the English text front end (src/text/data).

    build_data.py --misaki DIR --tagger tagger-en.bin --oov DIR --out src/text/data

Inputs (see src/text/data/NOTICE for authors and licences):
  --misaki  folder with us_gold.json, us_silver.json, gb_gold.json, gb_silver.json (misaki 0.9.4)
  --tagger  averaged-perceptron weights `tagger-en.bin` of the crate loqui-g2p 0.4.0
  --oov     folder with g2p-en-us.safetensors and g2p-en-gb.safetensors (PeterReid/graphemes_to_phonemes_en_*)

Every table is read in place by the Rust side: nothing is parsed at start-up.
"""
import argparse
import collections
import heapq
import json
import os
import struct

import numpy as np
from safetensors import safe_open

BLOCK = 16
TAGS = ["DEFAULT", "NOUN", "VERB", "ADJ", "ADV", "None", "VBD", "VBN", "VBP", "DT"]
END = "\0"


# -- lexicon ------------------------------------------------------------------------------------
def code_lengths(freq):
    """Huffman code length of every symbol."""
    heap = [(f, i, {s: 0}) for i, (s, f) in enumerate(sorted(freq.items()))]
    heapq.heapify(heap)
    n = len(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (a[0] + b[0], n, {s: d + 1 for s, d in {**a[2], **b[2]}.items()}))
        n += 1
    return heap[0][2]


def canonical(lengths):
    """Symbols in canonical order and their (code, length)."""
    order = sorted(lengths, key=lambda s: (lengths[s], s))
    codes, code, last = {}, 0, 0
    for s in order:
        code <<= lengths[s] - last
        last = lengths[s]
        codes[s] = (code, last)
        code += 1
    return order, codes


class Bits:
    def __init__(self):
        self.out, self.acc, self.n = bytearray(), 0, 0

    def put(self, value, length):
        for i in range(length - 1, -1, -1):
            self.acc = self.acc << 1 | (value >> i & 1)
            self.n += 1
            if self.n == 8:
                self.out.append(self.acc)
                self.acc = self.n = 0

    def align(self):
        while self.n:
            self.put(0, 1)


def table(order, lengths):
    b = struct.pack("<H", len(order))
    for s in order:
        b += struct.pack("<HB", s if isinstance(s, int) else ord(s), lengths[s])
    return b


def lexicon(gold, silver):
    entries = {}
    for w, v in silver.items():
        entries[w] = (False, [("DEFAULT", v)])
    for w, v in gold.items():
        if isinstance(v, dict):
            # A null reading means "no reading of its own for this tag"; the default serves it.
            v = [(t, p) for t, p in sorted(v.items(), key=lambda x: TAGS.index(x[0])) if p]
        else:
            v = [("DEFAULT", v)]
        entries[w] = (True, v)
    words = sorted(entries, key=lambda w: w.encode())
    fl, fp, fx = collections.Counter(), collections.Counter(), collections.Counter()
    shared = []
    for i, w in enumerate(words):
        n = 0
        if i % BLOCK:
            n = len(os.path.commonprefix([w, words[i - 1]]))
        shared.append(n)
        fx[n] += 1
        fl.update(w[n:] + END)
        for _, p in entries[w][1]:
            fp.update(p + END)
    ll, lp, lx = code_lengths(fl), code_lengths(fp), code_lengths(fx)
    (ol, cl), (op, cp), (ox, cx) = canonical(ll), canonical(lp), canonical(lx)
    bits, starts = Bits(), []
    for i, w in enumerate(words):
        if i % BLOCK == 0:
            bits.align()
            starts.append(len(bits.out))
        bits.put(*cx[shared[i]])
        for c in w[shared[i]:] + END:
            bits.put(*cl[c])
        is_gold, values = entries[w]
        bits.put(int(is_gold), 1)
        bits.put(len(values) - 1, 1 if len(values) == 1 else 0)
        if len(values) > 1:
            bits.put(1, 1)
            bits.put(len(values) - 1, 3)
        for t, p in values:
            if len(values) > 1:
                bits.put(TAGS.index(t), 4)
            for c in p + END:
                bits.put(*cp[c])
    bits.align()
    head = b"SYXLEX01" + struct.pack("<II", len(words), len(starts))
    head += table(ox, lx) + table(ol, ll) + table(op, lp)
    return head + b"".join(struct.pack("<I", s) for s in starts) + bytes(bits.out)


# -- tagger -------------------------------------------------------------------------------------
def fnv(s):
    h = 0x811C9DC5
    for b in s.encode():
        h = (h ^ b) * 0x01000193 & 0xFFFFFFFF
    return h


def tagger(b):
    assert b[:8] == b"LQTAG001"
    at = 8

    def take(fmt):
        nonlocal at
        v = struct.unpack_from("<" + fmt, b, at)[0]
        at += struct.calcsize("<" + fmt)
        return v

    def text(n):
        nonlocal at
        at += n
        return b[at - n:at].decode()

    classes = [text(take("B")) for _ in range(take("B"))]
    words = {}
    for _ in range(take("I")):
        w = text(take("B"))
        words[fnv(w)] = take("B")
    rows = {}
    for _ in range(take("I")):
        f = text(take("H"))
        h = fnv(f)
        assert h not in rows, f"hash collision at {f}"
        rows[h] = [(take("B"), max(-32768, min(32767, round(take("f") * 512)))) for _ in range(take("B"))]
    out = b"SYXTAG01" + bytes([len(classes)])
    for c in classes:
        out += bytes([len(c)]) + c.encode()
    out += struct.pack("<II", len(words), len(rows)) + struct.pack("<I", sum(map(len, rows.values())))
    out += b"".join(struct.pack("<I", h) for h in sorted(words)) + bytes(words[h] for h in sorted(words))
    keys, start = sorted(rows), 0
    out += b"".join(struct.pack("<I", h) for h in keys)
    for h in keys:
        out += struct.pack("<I", start)
        start += len(rows[h])
    out += struct.pack("<I", start)
    out += b"".join(struct.pack("<Bh", c, w) for h in keys for c, w in rows[h])
    return out


# -- unknown words ------------------------------------------------------------------------------
GRAPHEMES = {
    "us": "____AIOWYbdfhijklmnpstuvwz'-.BCDEFGHJKLMNPQRSTUVXZacegoqrxy",
    "gb": "____AIQWYabdfhijklmnpstuvwz'-.BCDEFGHJKLMNOPRSTUVXZcegoqrxy",
}
PHONEMES = {
    "us": "____AIOWYbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹɾʃʊʌʒʔʤʧˈˌθᵊᵻ",
    "gb": "____AIQWYabdfhijklmnpstuvwzðŋɑɒɔəɛɜɡɪɹʃʊʌʒʤʧˈˌːθᵊ",
}
E, D = "model.encoder", "model.decoder"
LINEAR = [f"{E}.layers.0.self_attn.{x}_proj" for x in ("q", "k", "v", "out")] + [f"{E}.layers.0.fc1", f"{E}.layers.0.fc2"] \
    + [f"{D}.layers.0.{a}.{x}_proj" for a in ("self_attn", "encoder_attn") for x in ("q", "k", "v", "out")] \
    + [f"{D}.layers.0.fc1", f"{D}.layers.0.fc2"]
NORM = [f"{E}.layernorm_embedding", f"{E}.layers.0.self_attn_layer_norm", f"{E}.layers.0.final_layer_norm",
        f"{D}.layernorm_embedding", f"{D}.layers.0.self_attn_layer_norm", f"{D}.layers.0.encoder_attn_layer_norm",
        f"{D}.layers.0.final_layer_norm"]
TABLES = ["model.shared", f"{E}.embed_positions", f"{D}.embed_positions"]


def matrix(a):
    """Rows of int8, each with its own scale."""
    a = np.asarray(a, np.float32)
    scale = np.maximum(np.abs(a).max(1), 1e-8) / 127
    return scale.astype("<f4").tobytes() + np.rint(a / scale[:, None]).astype(np.int8).tobytes()


def oov(path, dialect):
    f = safe_open(path, "np")
    get = f.get_tensor
    g, p = GRAPHEMES[dialect], PHONEMES[dialect]
    bias = get("final_logits_bias").reshape(-1)
    out = b"SYXOOV01" + struct.pack("<HHH", len(bias), len(g.encode()), len(p.encode())) + g.encode() + p.encode()
    out += bias.astype("<f4").tobytes()
    for n in TABLES:
        out += matrix(get(n + ".weight"))
    for n in NORM:
        out += get(n + ".weight").astype("<f4").tobytes() + get(n + ".bias").astype("<f4").tobytes()
    for n in LINEAR:
        out += matrix(get(n + ".weight")) + get(n + ".bias").astype("<f4").tobytes()
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__)
    for n in ("misaki", "tagger", "oov", "out"):
        a.add_argument("--" + n, required=True)
    o = a.parse_args()
    os.makedirs(o.out, exist_ok=True)

    def write(name, data):
        with open(os.path.join(o.out, name), "wb") as f:
            f.write(data)
        print(f"{name}: {len(data)} bytes")

    for d in ("us", "gb"):
        gold, silver = (json.load(open(os.path.join(o.misaki, f"{d}_{x}.json"), encoding="utf-8")) for x in ("gold", "silver"))
        write(f"lexicon-{d}.bin", lexicon(gold, silver))
        write(f"oov-{d}.bin", oov(os.path.join(o.oov, f"g2p-en-{d}.safetensors"), d))
    write("tagger.bin", tagger(open(o.tagger, "rb").read()))


if __name__ == "__main__":
    main()
