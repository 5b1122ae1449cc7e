"""Measures the steps between a save and the fresh response, for servers in four languages, cold and with
--warm: until hpp knows of the save, until the old processes are gone, until the new process is started or
its gate is opened, until hpp has seen it answer, and until the client has its response.

Run it with tools/bench steps. A request is sent when the save returns, as in reload.py. The times of the
steps are those that hpp-supervisord publishes, in whole milliseconds of the system's clock, so each figure
is a mean."""

import json
import pathlib
import statistics

from applications import ExpressProject, GoProject, LargeDjangoProject, SinatraProject, Unavailable
from reload import Hpp, HppWarm, left_out

STEPS = ("noticed", "killed", "started", "ready", "answered")


def snapshot(contender):
    """supervisord's newest snapshot."""
    folder = pathlib.Path(contender.environment["XDG_RUNTIME_DIR"]) / "hpp" / f"127.0.0.1-{contender.port}"
    return json.loads((folder / "supervisord.json").read_text().partition(" ")[2])


class Steps:
    PROGRAMS = (("Django, 10 applications", LargeDjangoProject), ("Express, 20 packages", ExpressProject),
                ("Sinatra with Puma", SinatraProject), ("Go", GoProject))

    def __init__(self, directory, environment):
        self.directory = directory
        self.environment = environment
        self.contenders = []

    def start(self):
        for program, project in self.PROGRAMS:
            try:
                if project is ExpressProject:
                    ExpressProject.install(self.directory / "express")
                # A server in Go has no packages to load early.
                for name, kind in (("cold", Hpp),) if project is GoProject else (("cold", Hpp), ("warm", HppWarm)):
                    directory = self.directory / f"steps-{len(self.contenders)}"
                    directory.mkdir()
                    contender = kind(project(directory), self.environment)
                    contender.name, contender.steps = f"{program}, {name}", []
                    self.contenders.append(contender)
            except Unavailable as why:
                left_out(program, why)
        for contender in self.contenders:
            contender.start()
            contender.wait_answer()

    def run(self, rounds):
        for turn in range(rounds):
            for contender in self.contenders:
                contender.wait_answer()
                self.measure(contender, str(turn + 1))

    @staticmethod
    def measure(contender, text):
        seconds = contender.measure(text)
        facts = snapshot(contender)
        known = [facts["cause"]["at_ms"], facts["killed_at_ms"], facts["spawned_at_ms"], facts["ready_at_ms"]]
        # Whole milliseconds are half a millisecond too early, on average.
        saved_ms = contender.saved_at * 1000
        moments = [saved_ms, *(at + 0.5 for at in known), saved_ms + seconds * 1000]
        contender.steps.append([after - before for before, after in zip(moments, moments[1:])])

    def print(self):
        print(f"{'from a save to a fresh response, ms':36}" + "".join(f"{step:>10}" for step in STEPS) + f"{'in all':>10}")
        for contender in self.contenders:
            means = [statistics.mean(values) for values in zip(*contender.steps)]
            print(f"{contender.name:36}" + "".join(f"{mean:10.1f}" for mean in (*means, sum(means))), flush=True)

    def end(self):
        for contender in self.contenders:
            contender.end()
