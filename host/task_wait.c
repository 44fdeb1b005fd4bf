/* task_wait: how tasks park, wake and are cancelled; see task.h. */
#include <lauxlib.h>

#include "limit.h"
#include "task_inside.h"

/* The address of this tells the host's yields from the script's own. */
static const char park_value;

void task_check_can_wait(lua_State *L, const char *what)
{
    if (sched.running && !sched.running->pinned && lua_isyieldable(L))
        return;
    luaL_error(
        L,
        "%s has to wait, which Lua does not allow inside table.sort, string.gsub, a finalizer or another C function that "
        "calls back; collect the values first and call it outside the callback",
        what);
}

void task_unpark(struct park *p)
{
    if (!p->next)
        return;
    p->prev->next = p->next;
    p->next->prev = p->prev;
    p->prev = p->next = NULL;
    p->task = NULL;
}

void task_make_ready(struct task *task)
{
    task->state = READY;
    task->next = NULL;
    *(sched.last_ready ? &sched.last_ready->next : &sched.first_ready) = task;
    sched.last_ready = task;
}

void task_wake(struct park *p, enum wake why)
{
    if (p->wake != WAKE_PENDING)
        return;
    p->wake = why;
    struct task *task = p->task;
    task_unpark(p);
    if (task)
        task_make_ready(task);
}

static void give_up(struct park *p)
{
    void (*how)(struct park *) = p->abandon ? p->abandon : p->cancel;
    if (how)
        how(p);
}

int task_park(lua_State *L, struct park *p, lua_KFunction k, lua_KContext ctx)
{
    if (p->wake == WAKE_PENDING && limits_interrupted(sched.running->account))
        give_up(p);
    if (p->wake == WAKE_PENDING && sched.cancelling && p->cancel)
        p->cancel(p);
    if (p->wake != WAKE_PENDING)
        return k(L, LUA_OK, ctx);
    p->task = sched.running;
    p->prev = sched.waits.prev;
    p->next = &sched.waits;
    p->prev->next = p->next->prev = p;
    return task_pass_park(L, k, ctx);
}

int task_pass_park(lua_State *L, lua_KFunction k, lua_KContext ctx)
{
    lua_pushlightuserdata(L, (void *)&park_value);
    return lua_yieldk(L, 1, ctx, k);
}

bool task_is_park_value(lua_State *L, int index)
{
    return lua_touserdata(L, index) == &park_value;
}

void task_pin(void)
{
    sched.running->pinned++;
}

void task_unpin(void)
{
    sched.running->pinned--;
}

void task_cancel_waits(void)
{
    sched.cancelling = true;
    for (struct park *p = sched.waits.next, *next; p != &sched.waits; p = next) {
        next = p->next;
        if (p->cancel)
            p->cancel(p);
    }
}

void task_cancel_account(const struct account *account)
{
    for (struct park *p = sched.waits.next, *next; p != &sched.waits; p = next) {
        next = p->next;
        if (p->task->account == account)
            give_up(p);
    }
}

void task_interrupt(int signo)
{
    sched.signo = signo;
    task_cancel_waits();
}

int task_interrupted(void)
{
    return sched.signo ? sched.signo : loop_signalled();
}
