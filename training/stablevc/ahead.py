"""Batches made ahead of a training, by a process of its own."""
import multiprocessing, os, queue, time
import numpy as np, torch

def packed(x):
    """Tensors as arrays, which pass between processes by value, in whatever they stand in."""
    if isinstance(x, torch.Tensor): return x.numpy()
    if isinstance(x, dict): return {k: packed(v) for k, v in x.items()}
    return type(x)(map(packed, x)) if isinstance(x, (list, tuple)) else x

def unpacked(x):
    """Arrays as tensors again."""
    if isinstance(x, np.ndarray): return torch.from_numpy(x)
    if isinstance(x, dict): return {k: unpacked(v) for k, v in x.items()}
    return type(x)(map(unpacked, x)) if isinstance(x, (list, tuple)) else x

class Ahead:
    """What `make()` makes with the numbers of `r` (a random.Random), `depth` pieces ahead; the other process draws numbers of its own."""
    def __init__(self, make, r, depth=4):
        self.make, self.r, context = make, r, multiprocessing.get_context("fork"); self.ready = context.Queue(depth); self.producer = context.Process(target=self._produce, daemon=True); self.producer.start()
    def _produce(self):
        seed = os.getpid() + int(time.time()); torch.set_num_threads(1); self.r.seed(seed); torch.manual_seed(seed); parent = os.getppid()
        while os.getppid() == parent: self.ready.put(packed(self.make()))
    def next(self):
        """The next piece if it is ready, else one made here."""
        try: return unpacked(self.ready.get_nowait())
        except queue.Empty: return self.make()
    def close(self): self.producer.terminate()
