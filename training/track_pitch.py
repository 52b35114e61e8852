#!/usr/bin/env python3
"""Give prepared sets the F0 that the engine's own tracker finds, as voice conversion will meet it.

    track_pitch.py --tracker target/release/examples/track_pitch SET [SET ...]

Replaces SET/f0.f16; the teachers' F0 stays in SET/f0_teacher.f16.
"""
import argparse, json, pathlib, subprocess
import numpy as np

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--tracker", required=True); a.add_argument("sets", nargs="+"); o = a.parse_args()
    for d in map(pathlib.Path, o.sets):
        frames = [x["frames"] for x in json.load(open(d / "index.json"))]; found = d / "f0.f32"
        subprocess.run([o.tracker, d / "audio.i16", found], input="\n".join(map(str, frames)), text=True, check=True)
        f0 = np.fromfile(found, np.float32); assert len(f0) == sum(frames), (len(f0), sum(frames))
        if not (d / "f0_teacher.f16").exists(): (d / "f0.f16").rename(d / "f0_teacher.f16")
        f0.astype(np.float16).tofile(d / "f0.f16"); found.unlink(); print(d, f"{len(f0)} frames, {100 * (f0 > 0).mean():.0f} % voiced")

if __name__ == "__main__": main()
