/*
 * task: see task.h.
 *
 * waiting → ready → running: wakers only append to the ready queue, since a set cannot change while it is walked. A task is a
 * userdata whose user values are its coroutine and, after a failure, the traceback. The registry keeps a task from being
 * collected while it is alive, and after a failure until somebody has taken notice.
 */
#include "task_inside.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "log.h"
#include "state.h"

static const char TASK[] = "moonkey.task";

struct join {
    struct park park;
    struct task *task; /* whose end is waited for */
    struct join *next; /* of the same task */
};

struct scheduler sched;

/* The mark of a task's own coroutine, which is the host's to resume. */
static struct task **owner_of(lua_State *co)
{
    return lua_getextraspace(co);
}

void task_open(lua_State *L, struct loop *loop)
{
    sched.loop = loop;
    *owner_of(L) = NULL; /* threads begin with what the main one has */
    sched.waits.prev = sched.waits.next = &sched.waits;
    luaL_newmetatable(L, TASK);
    lua_pop(L, 1);
}

struct loop *task_loop(void)
{
    return sched.loop;
}

struct task_calls *task_calls(void)
{
    static struct task_calls nobodys; /* a finalizer may ask when the last task has ended */
    return sched.running ? &sched.running->calls : &nobodys;
}

struct task *task_check(lua_State *L, int index)
{
    return luaL_checkudata(L, index, TASK);
}

void task_push_current(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, sched.running);
}

bool task_is_outermost(lua_State *L)
{
    return sched.running && sched.running->co == L;
}

/* ---- who pays ---- */

void task_when_limited(void (*stop)(void))
{
    sched.on_limit = stop;
}

static void pay_from(struct task *task, struct account *account)
{
    limits_leave();
    if (task->account != task->inherited)
        limits_close(task->account);
    task->account = account;
    limits_enter(account, task->co);
}

void task_pay_from(struct account *account)
{
    if (limits_are_watched() && sched.running)
        pay_from(sched.running, account ? account : sched.running->inherited);
}

bool task_owns(lua_State *co)
{
    return *owner_of(co) != NULL;
}

/* ---- the life of a task ---- */

/* The user values of a task's handle. */
enum { COROUTINE = 1, TRACEBACK = 2 };

/* Keep the traceback while the stack is there; the error itself goes on unchanged, because __close methods are given it. */
static int on_error(lua_State *L)
{
    task_push_current(L);
    state_traceback(L, L, 1);
    lua_setiuservalue(L, -2, TRACEBACK);
    lua_settop(L, 1);
    return 1;
}

static int body_ended(lua_State *L, int status, lua_KContext ctx)
{
    struct task *task = (struct task *)ctx;
    bool well = status == LUA_OK || status == LUA_YIELD;
    task->state = well ? SUCCEEDED : FAILED;
    return well ? lua_gettop(L) - 1 : 1; /* all but the handler, or the error */
}

/* Protected from within, so that an error unwinds like any other: __close may park on its way, and the handler sees the stack.
 */
static int body(lua_State *L)
{
    struct task *task = sched.running;
    lua_pushcfunction(L, on_error);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, (lua_KContext)task, body_ended);
    return body_ended(L, status, (lua_KContext)task);
}

static void anchor(lua_State *L, struct task *task, int handle)
{
    if (handle)
        lua_pushvalue(L, handle);
    else
        lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, task);
}

struct task *task_spawn(lua_State *L, int nargs)
{
    struct task *task = lua_newuserdatauv(L, sizeof *task, 2);
    *task = (struct task){0};
    if (sched.running) {
        task->calls = (struct task_calls){.row = sched.running->calls.row, .deadline = sched.running->calls.deadline};
        task->account = task->inherited = limits_share(sched.running->account);
    }
    luaL_setmetatable(L, TASK);
    task->co = lua_newthread(L);
    *owner_of(task->co) = task;
    lua_setiuservalue(L, -2, COROUTINE);
    anchor(L, task, lua_gettop(L));
    lua_insert(L, -nargs - 2); /* the handle goes below the function */
    lua_pushcfunction(task->co, body);
    if (!lua_checkstack(task->co, nargs + LUA_MINSTACK))
        luaL_error(L, "too many arguments for a task");
    lua_xmove(L, task->co, nargs + 1);
    task->nargs = nargs + 1;
    sched.alive++;
    task_make_ready(task);
    return task;
}

static void end_task(lua_State *L, struct task *task)
{
    bool meant = limits_interrupted(task->account); /* by whoever has interrupted it */
    sched.alive--;
    if (task->account != task->inherited)
        limits_close(task->account);
    limits_close(task->inherited);
    if (task->state == FAILED && !task->joins && !meant) {
        task->next = sched.failures;
        sched.failures = task;
    } else {
        anchor(L, task, 0);
    }
    for (struct join *j = task->joins; j; j = j->next)
        task_wake(&j->park, WAKE_DONE);
    task->joins = NULL;
}

/* A failure outside body(): the coroutine is broken; make what is known of it look like any other failure. */
static void fail_task(lua_State *L, struct task *task)
{
    task->state = FAILED;
    lua_rawgetp(L, LUA_REGISTRYINDEX, task);
    state_traceback(L, task->co, -1);
    lua_setiuservalue(L, -2, TRACEBACK);
    lua_pop(L, 1);
}

/* The one lua_resume of the host. */
static void resume(lua_State *L, struct task *task)
{
    int count = 0, nargs = task->nargs;
    task->nargs = 0;
    task->state = RUNNING;
    sched.running = task;
    limits_enter(task->account, task->co);
    int status = lua_resume(task->co, L, nargs, &count);
    limits_leave();
    sched.running = NULL;
    switch (status) {
    case LUA_OK: /* body() has said how it ended; its values stay on the coroutine's stack for those who join */
        break;
    case LUA_YIELD:
        if (count == 1 && task_is_park_value(task->co, -1)) {
            lua_pop(task->co, 1);
            if (task->state == RUNNING)
                task->state = WAITING;
            return;
        }
        lua_pushliteral(task->co, "a C module yielded to the host, which only the host's own functions may do");
        fail_task(L, task);
        break;
    case LUA_ERRRUN:
    case LUA_ERRMEM:
    case LUA_ERRERR:
    default:
        fail_task(L, task);
        break;
    }
    end_task(L, task);
}

/* ---- joining ---- */

static int joined(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct task *task = (struct task *)ctx;
    lua_State *co = task->co;
    if (task->state == FAILED) {
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
        return lua_error(L);
    }
    int count = lua_gettop(co);
    luaL_checkstack(L, count, "too many results of a task");
    if (!lua_checkstack(co, count))
        return luaL_error(L, "out of memory");
    for (int i = 1; i <= count; i++)
        lua_pushvalue(co, i);
    lua_xmove(co, L, count);
    return count;
}

static void forget_failure(lua_State *L, struct task *task)
{
    for (struct task **at = &sched.failures; *at; at = &(*at)->next)
        if (*at == task) {
            *at = task->next;
            anchor(L, task, 0);
            return;
        }
}

static void on_abandon_join(struct park *park)
{
    struct join *j = (struct join *)park, **at = &j->task->joins;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    task_wake(park, WAKE_CANCELLED);
}

static int join_ended(lua_State *L, int status, lua_KContext ctx)
{
    const struct join *j = (const struct join *)ctx;
    if (j->park.wake == WAKE_CANCELLED)
        return luaL_error(L, "interrupted");
    return joined(L, status, (lua_KContext)j->task);
}

int task_join(lua_State *L, struct task *task)
{
    if (task == sched.running)
        return luaL_error(L, "a task cannot wait for its own end");
    if (task->state == SUCCEEDED || task->state == FAILED) {
        forget_failure(L, task);
        return joined(L, LUA_OK, (lua_KContext)task);
    }
    task_check_can_wait(L, "join");
    struct join *j = lua_newuserdatauv(L, sizeof *j, 0);
    *j = (struct join){.park.abandon = on_abandon_join, .task = task, .next = task->joins};
    task->joins = j;
    return task_park(L, &j->park, join_ended, (lua_KContext)j);
}

/* ---- running ---- */

static void report(lua_State *L, struct task *task)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, task);
    lua_getiuservalue(L, -1, TRACEBACK);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (text)
        log_text(LOG_ERROR, text, len);
    else /* there was no memory for one */
        log_write(LOG_ERROR, "a task failed: %s", luaL_tolstring(task->co, -1, NULL));
    lua_pop(L, 2);
    anchor(L, task, 0);
}

static unsigned report_failures(lua_State *L)
{
    struct task *oldest = NULL;
    unsigned count = 0;
    while (sched.failures) {
        struct task *task = sched.failures;
        sched.failures = task->next;
        task->next = oldest;
        oldest = task;
    }
    for (; oldest; count++) {
        struct task *task = oldest;
        oldest = task->next;
        report(L, task);
    }
    return count;
}

unsigned task_count(void)
{
    return sched.alive;
}

void task_report_at_once(lua_State *L, bool at_once)
{
    report_failures(L);
    sched.reports_at_once = at_once;
}

unsigned task_run(lua_State *L)
{
    while (sched.alive) {
        while (sched.first_ready) {
            struct task *task = sched.first_ready;
            sched.first_ready = task->next;
            if (!sched.first_ready)
                sched.last_ready = NULL;
            resume(L, task);
            if (sched.on_limit && limits_reached() != LIMIT_NONE && !sched.cancelling)
                sched.on_limit();
            if (sched.failures && sched.reports_at_once)
                report_failures(L);
        }
        if (!sched.alive)
            break;
        if (!loop_busy(sched.loop)) {
            log_write(LOG_ERROR, "%u task(s) wait for each other, and nothing is left that could wake them", sched.alive);
            return report_failures(L) + 1;
        }
        loop_step(sched.loop, true);
    }
    return report_failures(L);
}
