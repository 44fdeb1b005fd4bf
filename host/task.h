/*
 * task: coroutines that park while the host works, and wake when it is done.
 *
 * A script runs as a task; so does every function given to task.spawn. A binding that has to wait fills in a `struct park`,
 * starts its operation, and returns task_park(). When the operation completes, its callback calls task_wake(), which only
 * queues: the task goes on after the loop has drained. The one lua_resume of the host is in task.c.
 *
 * Stack effects are written [-popped, +pushed, raises]: `e` any error, `m` out of memory, `-` never.
 */
#ifndef MOONKEY_TASK_H
#define MOONKEY_TASK_H

#include <lua.h>
#include <stdbool.h>

#include "limit.h"
#include "loop.h"
#include "traceparent.h"

struct task;

/* Why a parked task goes on. */
enum wake { WAKE_PENDING, WAKE_DONE, WAKE_CANCELLED };

/*
 * One wait of one task. Embed it in the userdata of the operation: the userdata must be on the stack of the coroutine that
 * parks (or otherwise reachable), so that it lives as long as the wait.
 */
struct park {
    struct task *task; /* set by task_park; NULL when nobody waits any more */
    enum wake wake;
    /* Ctrl-C arrived: stop waiting as early as is right, then task_wake(p, WAKE_CANCELLED). NULL: this wait is short; finish
     * it. */
    void (*cancel)(struct park *p);
    /* Instead of `cancel`, where the task is to stop whatever comes of it (task_cancel_account). NULL: the same as `cancel`. */
    void (*abandon)(struct park *p);
    struct park *prev, *next; /* the list of all waits; task.c's */
};

/* Create the scheduler for `L` (the main state). [-0, +0, m] */
void task_open(lua_State *L, struct loop *loop);
struct loop *task_loop(void);

/*
 * Raise, naming `what` ("token.update"), unless the running coroutine can be suspended: it cannot inside table.sort,
 * string.gsub or another C function that calls back without a continuation. Call it before acquiring anything. [-0, +0, e]
 */
void task_check_can_wait(lua_State *L, const char *what);

/*
 * Park the running task: `return task_park(L, p, k, ctx);` from a C function. `k` runs as its continuation, on the same stack,
 * once p->wake is no longer WAKE_PENDING. If the operation has already completed, no switch happens and `k` is called directly.
 * [-0, +*, e]
 */
int task_park(lua_State *L, struct park *p, lua_KFunction k, lua_KContext ctx);

/* From a callback: let the waiting task go on, once. Does nothing for a wait that has ended. [-] */
void task_wake(struct park *p, enum wake why);

/* The owner of `p` is going away (its __gc, or an error): forget the wait. */
void task_unpark(struct park *p);

/* Start a task that calls the function below its `nargs` arguments. Pushes its handle. [-(nargs+1), +1, m] */
struct task *task_spawn(lua_State *L, int nargs);

/*
 * Run until every task has ended. Reports to the log each failed task that nobody waited for, and returns how many there were.
 */
unsigned task_run(lua_State *L);

/*
 * Wait for the end of `task`, whose handle the caller keeps reachable: `return task_join(L, task);` returns what it returned,
 * or raises what it raised. Joining makes a failure the joiner's to handle. [-0, +*, e]
 */
int task_join(lua_State *L, struct task *task);

/* The handle at `index`, or an argument error. [-0, +0, e] */
struct task *task_check(lua_State *L, int index);

/* Push the handle of the running task. [-0, +1, -] */
void task_push_current(lua_State *L);

/* Is `L` the outermost coroutine of the running task, from which a yield would go to the host? */
bool task_is_outermost(lua_State *L);

/* Is it the outermost coroutine of any task? Then it is for nobody else to resume or close. */
bool task_owns(lua_State *co);

/* Between pin and unpin the running task cannot be suspended, although the innermost coroutine thinks that it can. */
void task_pin(void);
void task_unpin(void);

/* Does the top of the stack hold the host's own yield, to be passed on outwards? [-0, +0, -] */
bool task_is_park_value(lua_State *L, int index);
/* Pass it on: `return task_pass_park(L, k, ctx);` [-0, +*, e] */
int task_pass_park(lua_State *L, lua_KFunction k, lua_KContext ctx);

/* The API calls of the running task, as those of one row: for whoever reports on it, and the time that they may take together.
 */
struct task_calls {
    unsigned attempts;                  /* exchanges */
    long status;                        /* of the last reply, 0 if none came */
    lua_Integer row;                    /* what control.begin_row was given, 0 outside rows; inherited like the deadline */
    int64_t deadline;                   /* clock_now() scale; 0: none; tasks that this one starts inherit it */
    char traceparent[TRACEPARENT_SIZE]; /* of the last request, "" if none was sent */
};
struct task_calls *task_calls(void);

/* Cancel every wait that can be. Later waits of that kind are cancelled at once. */
void task_cancel_waits(void);
/* The processor time of the running task is for `account` from here on (limit.h), which this takes over; NULL: for that of the
 * task that started it. Where nothing is limited, nothing happens. */
void task_pay_from(struct account *account);
/* End the waits of all tasks for which `account` pays, which limits_interrupt() was called for; later ones end at once. */
void task_cancel_account(const struct account *account);
/* To be called once, from outside of tasks, when a limit was passed. */
void task_when_limited(void (*stop)(void));

/* Report failures that nobody has waited for so far, and from now on as soon as they happen, or not (as at the start). */
void task_report_at_once(lua_State *L, bool at_once);

/* Tasks that have not ended. */
unsigned task_count(void);

/* A signal asks the program to stop: cancel every wait that can be. */
void task_interrupt(int signo);
/* That signal, or 0. */
int task_interrupted(void);

#endif
