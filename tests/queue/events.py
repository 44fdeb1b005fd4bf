"""What happens to a run over a queue. Each event says how much of its work may be done twice because of it, and ends by itself."""
import signal
import time

STEADY_AFTER = 0.5  # seconds: a coordinator that old has its journal
ENDED, COMMITTING = 10, 2  # so many rows are to end in so many seconds, for what is done with them then


def _worker(course):
    able = [worker for worker in course.place.workers if not worker.is_frozen]
    return course.chance.choice(able) if able else None


def _coordinator(course):
    program = course.coordinator
    return program if program and not program.is_frozen and program.age() > STEADY_AFTER else None


def _anybody(course):
    one = _coordinator(course) if course.chance.random() < 0.3 else None
    return one or _worker(course)


# ---- programs

def kill_worker(course, worker):
    course.repeat(1)
    course.place.dismiss(worker, signal.SIGKILL)
    course.later(course.chance.uniform(0, 2), course.hire)


def end_worker(course, worker):
    """What it has begun it finishes, and the rest it hands back: nothing is repeated, unless it is in the way of another event."""
    course.leave(worker)
    course.later(course.chance.uniform(0, 2), course.hire)


def freeze_worker(course, worker):
    course.repeat(1)
    worker.freeze()
    course.later(course.settings.lease * course.chance.uniform(1.1, 2.5), worker.thaw)


def stall_worker(course, worker):
    course.repeat(1)  # the rest of the lease may be over before its next beat
    worker.freeze()
    course.later(course.settings.lease * course.chance.uniform(0.1, 0.8), worker.thaw)


def kill_coordinator(_, program):
    program.send(signal.SIGKILL)


def interrupt_coordinator(_, program):
    program.send(signal.SIGINT)


def freeze_coordinator(course, program, leases=0.1):
    """While it is frozen its journal can be looked at, as after a crash. For so many leases at least."""
    program.freeze()
    course.trial.look_at(program)
    course.later(course.settings.lease * course.chance.uniform(leases, 2.5), program.thaw)


# ---- Redis

def _away(course, seconds, start):
    """Nobody can renew what it holds until it is there again."""
    lease = course.settings.lease
    course.repeat(len(course.place.workers), course.settings.rate * (seconds if seconds < lease else lease))
    course.redis_goes()
    course.later(seconds, start)


def restart_redis(course, _):
    _away(course, course.chance.uniform(0, 1.5 * course.settings.lease), course.redis_comes)
    course.place.redis.kill()


def restart_redis_without_last_second(course, _):
    """What was done in that time, and was not in the journal yet, is done once more."""
    forgotten = course.chance.uniform(0.2, 1.2)
    course.trial.repeatable += course.trial.writes_since(forgotten + 0.5)
    _away(course, course.chance.uniform(0, course.settings.lease), course.redis_comes)
    course.note("bytes lost", course.place.redis.kill_and_forget(forgotten))


def restart_redis_without_what_has_ended(course, program):
    """What is in the journal, and the server has forgotten, is not to be done once more before the coordinator comes to say so."""
    if not course.redis_is_up:
        return
    redis, trial, lease = course.place.redis, course.trial, course.settings.lease
    size, ended, began = redis.size(), len(trial.ended()), time.monotonic()
    course.let_go_on(COMMITTING, lambda: len(trial.ended()) >= ended + ENDED)
    if _coordinator(course) is not program or not course.redis_is_up:
        return
    freeze_coordinator(course, program, 1.5)
    trial.repeatable += trial.writes_since(time.monotonic() - began + 0.5)
    _away(course, course.chance.uniform(0, 0.5 * lease), course.redis_comes)
    course.note("bytes lost", redis.kill_and_cut(size))


def restart_redis_with_nothing(course, _):
    """All of its files are gone."""
    course.trial.repeatable += course.trial.writes_since(1)
    _away(course, course.chance.uniform(0, course.settings.lease), course.redis_comes)
    course.place.redis.kill_and_forget(float("inf"))


def freeze_redis(course, _):
    _away(course, course.chance.uniform(0.2, 1.5 * course.settings.lease), course.redis_thaws)
    course.place.redis.freeze()


def forget_scripts(course, _):
    course.place.redis.admin.script_flush()


# ---- the network between them

def cut_link(course, program):
    course.repeat(1)
    program.link.cut()
    course.link_is_here()


def cut_all_links(course, _):
    course.repeat(len(course.place.workers))
    for program in course.programs():
        program.link.cut()
    course.link_is_here()


def drop_link(course, program):
    """It goes on at its last share for as long as its lease lasts, while the others have all of the rate."""
    course.repeat(1, course.settings.rate * course.settings.lease)
    program.link.drop()
    course.later(course.chance.uniform(0.2, 2.5 * course.settings.lease), course.mend, program)


def refuse_link(course, program):
    course.repeat(1, course.settings.rate * course.settings.lease)
    program.link.refuse()
    course.later(course.chance.uniform(0.2, 2.5 * course.settings.lease), course.mend, program)


def slow_link(course, program):
    course.repeat(1)
    program.link.slow(course.chance.uniform(0.02, 0.3))
    course.later(course.chance.uniform(1, 4), course.mend, program)


# How often, what, and to whom.
EVENTS = [
    (5, kill_worker, _worker), (2, end_worker, _worker), (4, freeze_worker, _worker), (1, stall_worker, _worker),
    (4, kill_coordinator, _coordinator), (2, interrupt_coordinator, _coordinator), (2, freeze_coordinator, _coordinator),
    (3, restart_redis, None), (4, restart_redis_without_last_second, None), (1, restart_redis_with_nothing, None),
    (4, restart_redis_without_what_has_ended, _coordinator),
    (2, freeze_redis, None), (1, forget_scripts, None),
    (2, cut_link, _anybody), (1, cut_all_links, None), (4, drop_link, _anybody), (2, refuse_link, _anybody), (1, slow_link, _anybody),
]
NAMES = [act.__name__ for _, act, _ in EVENTS]
FIRST = ["restart_redis_without_what_has_ended"]  # of each run, so that it is in the short ones


def happen(course, names):
    """One event of those named, drawn by its weight. False: there is nobody now that it could happen to."""
    chosen = [event for event in EVENTS if event[1].__name__ in names]
    _, act, whom = course.chance.choices(chosen, [weight for weight, _, _ in chosen])[0]
    target = whom(course) if whom else None
    if (whom and not target) or (not whom and not course.redis_is_up):
        return False
    course.note(act.__name__, target.name if target else "")
    act(course, target)
    return True
