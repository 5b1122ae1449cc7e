"""The reference implementation of docs/gate.rst: a program calls gate() before it imports anything else."""

import importlib.machinery, os, socket, sys, time

OUTSIDE = {"node_modules", "site-packages", "dist-packages", "gems", "bundle"}

class Recorder:
    """Records modules from outside the project, and refuses those of the project in a spare."""
    def __init__(self, roots, file):
        self.roots, self.file, self.preloads, self.seen = roots, file, False, {}
    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec and spec.has_location:
            if any(spec.origin.startswith(root)
                   and OUTSIDE.isdisjoint(spec.origin[len(root):].split("/"))
                   for root in self.roots):
                if self.preloads: raise ImportError(f"{name} belongs to the project", name=name)
            elif self.preloads: self.seen[spec.origin] = identity(spec.origin)
            else: print(name, file=open(self.file, "a"), flush=True)

def identity(path):
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

def gate():
    if "HPP_GATE" not in os.environ: return
    number, begin = int(os.environ.pop("HPP_GATE")), time.monotonic()
    os.set_inheritable(number, False)
    hpp = socket.socket(fileno=number).makefile("rwb", buffering=0)
    hpp.write(b"hello 1 reference\n")
    roots, word, rest = [], "", ""
    while word not in ("record", "preload"):
        word, _, rest = hpp.readline().decode().rstrip("\n").partition(" ")
        if not word: return  # another process of this command uses the gate
        if word == "root": roots.append(rest.rstrip("/") + "/")
    sys.meta_path.insert(0, recorder := Recorder(roots, rest))
    if word == "record": return
    recorder.preloads = True
    for name in open(rest).read().split():
        try: importlib.import_module(name)
        except Exception: pass
    hpp.write(b"ready %d %d\n" % (len(recorder.seen), (time.monotonic() - begin) * 1000))
    while (line := hpp.readline()) != b"open\n":
        if not line: os._exit(0)  # hpp does not need this spare any more
    for path, before in recorder.seen.items():
        if not os.path.exists(path) or identity(path) != before:
            hpp.write(b"cold %b\n" % os.fsencode(path))
            os._exit(0)
    recorder.preloads = False
    hpp.write(b"go\n")
