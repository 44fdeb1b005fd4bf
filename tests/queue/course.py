"""The course of a run: its coordinator, its workers and its Redis, what happens to them, and who takes their places."""
import signal
import time

from queue_trial import expect

STALL = 0.25  # share of a lease: when this test did not come to its turn for as long, neither may a worker have
LEAVING = 30  # seconds that a worker may take to end
PATIENCE = 90  # seconds from the last event to the end
GLANCES = 0.5  # seconds between looks at what has ended, and is not to be sent again
STARTING = 3  # seconds of a program's life in which a Redis that is away may end it


class Course:
    def __init__(self, trial):
        self.trial, self.place, self.chance, self.settings = trial, trial.place, trial.chance, trial.settings
        self.due, self.leaving, self.coordinator, self.sessions, self.next_glance = [], [], None, 0, 0.0
        self.redis_is_up, self.last_away, self.last_turn = True, 0.0, time.monotonic()
        self.happened = []  # (name of the event, …), to be told when something is wrong
        self.began = time.monotonic()

    # ---- time

    def later(self, seconds, act, *arguments):
        self.due.append((time.monotonic() + seconds, act, arguments))

    def turn(self):
        """What is due is done. Has the run ended?"""
        now = time.monotonic()
        if now - self.last_turn > STALL * self.settings.lease:
            self.note("stall")
            self.repeat(len(self.place.workers))
        for entry in [entry for entry in self.due if entry[0] <= now]:
            self.due.remove(entry)
            entry[1](*entry[2])
        self.look_after_workers()
        if now > self.next_glance:
            self.trial.glance()
            self.next_glance = now + GLANCES
        self.last_turn = time.monotonic()
        return self.look_after_coordinator()

    def let_go_on(self, seconds, until=lambda: False):
        """Has the run ended? Until then, that long, or until something is so."""
        end = time.monotonic() + seconds
        while not self.turn():
            if time.monotonic() >= end or until():
                return False
            time.sleep(0.02)
        return True

    def note(self, *what):
        self.happened.append((f"{time.monotonic() - self.began:.2f}", *map(str, what)))

    # ---- what may be the matter with it

    def repeat(self, workers, starts=0):
        """What so many workers held may be sent again, and so many starts came, or may come, in excess of the rate."""
        self.trial.repeatable += workers * self.settings.rows_of_a_worker()
        starts += workers * self.settings.jobs  # those that had their permits
        self.trial.allowances.append((time.monotonic(), starts))

    def told(self):
        """What happened last, and how everything stands: for whoever has to find out what is wrong."""
        lines = [" ".join(event) for event in self.happened[-60:]]
        for program in self.programs():
            lines.append(f"{program.name} ({program.link.port}) said:\n{program.said()[-1500:]}")
        if self.redis_is_up:
            lines += [f"{key}: {text[:1500]}" for key, text in self.place.redis.dump().items()]
        return "\n".join(lines)

    # ---- workers

    def hire(self):
        if not self.redis_is_up:
            return self.later(0.3, self.hire)
        world = self.world()
        worker = self.place.hire(world=world)
        self.note("hire", worker.name, world or "")

    def world(self):
        """Some have a clock of their own: one that is hours off, or one that runs fast."""
        x = self.chance.random()
        if x < 0.2:
            return {**self.place.preloaded, "WORLD_DATE": str(self.chance.choice([-86400, -7200, 7200, 86400]))}
        if x < 0.3:
            return {**self.place.preloaded, "WORLD_CLOCK": "2"}
        return None

    def look_after_workers(self):
        for worker in [worker for worker in self.place.workers if not worker.is_alive()]:
            self.place.workers.remove(worker)
            self.place.others.append(worker)
            code = worker.ended().code
            expect(self.may_fail_to_start(worker), f"{worker.name} ended with {code} after {worker.age():.1f} s; it said:\n{worker.said()}")
            self.note("gave up", worker.name, code)
            self.later(0.3, self.hire)
        for worker, deadline in self.leaving[:]:
            if not worker.is_alive():
                code = worker.ended().code
                expect(code == 143, f"{worker.name} was told to end, and ended with {code}; it said:\n{worker.said()}")
                self.leaving.remove((worker, deadline))
            else:
                expect(time.monotonic() < deadline, f"{worker.name} was told to end, and did not; it said:\n{worker.said()}")

    def may_fail_to_start(self, program):
        """It may, where Redis was not there at once."""
        return self.last_away >= program.began and self.last_away - program.began < STARTING and program.process.returncode in (1, 2)

    def leave(self, worker):
        self.place.workers.remove(worker)
        self.place.others.append(worker)
        worker.send(signal.SIGTERM)
        self.leaving.append((worker, time.monotonic() + LEAVING))

    def programs(self):
        return self.place.workers + [worker for worker, _ in self.leaving] + ([self.coordinator] if self.coordinator else [])

    # ---- Redis and the ways to it

    def redis_goes(self):
        self.redis_is_up, self.last_away = False, time.monotonic()

    def redis_comes(self):
        self.place.redis.start()
        self.redis_is_here()

    def redis_thaws(self):
        self.place.redis.thaw()
        self.redis_is_here()

    def redis_is_here(self):
        self.redis_is_up, self.last_away = True, time.monotonic()
        self.note("Redis is there")

    def mend(self, program):
        program.link.mend()
        self.link_is_here()
        self.note("mended", program.name)

    def link_is_here(self):
        self.last_away = time.monotonic()

    # ---- the coordinator

    def begin(self):
        for _ in range(self.settings.workers):
            self.hire()
        self.start_coordinator()
        expect(not self.let_go_on(60, self.trial.has_written), "it was done before anything could happen")
        expect(self.trial.has_written(), "nothing was written in 60 s")

    def start_coordinator(self):
        if not self.redis_is_up:
            return self.later(0.3, self.start_coordinator)
        self.sessions += 1
        self.coordinator = self.place.coordinate(f"coordinator-{self.sessions}", *self.trial.command())
        self.note("begin" if self.sessions == 1 else "resume", self.coordinator.name)

    def look_after_coordinator(self):
        program = self.coordinator
        if not program or program.is_alive():
            return self.trial.last is not None
        self.coordinator = None
        done = program.ended()
        self.note("ended", program.name, done.code)
        self.trial.after(done)
        if done.code in (0, 3):
            self.trial.last = done
            return True
        expect(done.code in (-signal.SIGKILL, 130) or self.may_fail_to_start(program),
               f"{program.name} ended with {done.code} after {program.age():.1f} s; it said:\n{program.said()}")
        self.later(self.chance.uniform(0, 1), self.start_coordinator)
        return False

    # ---- the end

    def finish(self):
        """Nothing new happens, what has happened comes to its end, and so does the run."""
        expect(self.let_go_on(PATIENCE), f"it was not done {PATIENCE} s after the last event")

    def dismiss_all(self):
        """The workers wait for the next run, and end when told to."""
        self.trial.check_visible()
        for worker in self.place.workers[:]:
            done = self.place.dismiss(worker, signal.SIGTERM)
            expect(done.code == 143, f"{worker.name} had nothing to do, was told to end, and ended with {done.code}; it said:\n{worker.said()}")
