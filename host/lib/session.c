/*
 * moonkey.session: Ctrl-C ends what is under way, and not the program.
 *
 * What a person has asked for is a task with an account of its own (limit.h), which all tasks that it starts share. So Ctrl-C
 * finds them: their waits end, and a hook raises "interrupted" in their code. Where nothing is under way, it is for the prompt.
 */
#include "session.h"

#include <lauxlib.h>
#include <signal.h>

#include "../limit.h"
#include "../lineedit.h"
#include "../log.h"
#include "../task.h"
#include "lib.h"

static bool taken;
static struct account *volatile under_way;
static volatile sig_atomic_t untold; /* how often SIGINT has come, and the loop has not told of it */
static int spent;                    /* so many of these were for what has ended since */

/* In a signal handler. The second time, without a loop_step() in between, it is meant for whatever keeps the program busy. */
static void at_once(unsigned times)
{
    struct account *running = limits_running();
    untold++;
    if (under_way)
        limits_interrupt(under_way);
    if (running && (!under_way || times > 1))
        limits_interrupt(running);
    if (times > 1)
        log_from_handler(LOG_WARN, "busy, and not stopping by itself: Ctrl-C again leaves moonkey");
}

bool session_takes_interrupt(void)
{
    if (!taken)
        return false;
    untold--;
    if (spent > 0)
        spent--;
    else if (under_way)
        task_cancel_account(under_way);
    else
        lineedit_interrupt();
    return true;
}

/* session.can_take_interrupts(): only where limits are watched (moonkey.limits) does anything run for an account. */
static int f_can_take_interrupts(lua_State *L)
{
    lua_pushboolean(L, limits_are_watched());
    return 1;
}

/* session.take_interrupts(): from now on. */
static int f_take_interrupts(lua_State *L)
{
    if (!limits_are_watched())
        return luaL_error(L, "session.take_interrupts: limits.begin comes first");
    taken = true;
    loop_take_interrupts(at_once);
    return 0;
}

/* session.leave(): Ctrl-C is for the program again. Returns how many other tasks are still at it. */
static int f_leave(lua_State *L)
{
    taken = false;
    loop_take_interrupts(NULL);
    lua_pushinteger(L, (lua_Integer)task_count() - 1);
    return 1;
}

/* session.begin(): what this task does from now on, and all that it starts, is what Ctrl-C ends, until session.finish(). */
static int f_begin(lua_State *L)
{
    if (under_way)
        return luaL_error(L, "session.begin: something is under way already");
    struct account *account = limits_open(0);
    if (!account)
        return luaL_error(L, "not enough memory");
    task_pay_from(limits_share(account));
    under_way = account;
    return 0;
}

/* session.finish(): has Ctrl-C come since session.begin()? What goes on in the background is spared from now on. */
static int f_finish(lua_State *L)
{
    struct account *account = under_way;
    bool interrupted = limits_interrupted(account);
    under_way = NULL;
    if (interrupted)
        spent = untold;
    lua_pushboolean(L, interrupted);
    limits_close(account);
    return 1;
}

/* session.report_failures(at_once): of tasks that nobody waits for, those that there were, and others as soon as they happen.
 */
static int f_report_failures(lua_State *L)
{
    task_report_at_once(L, lua_toboolean(L, 1));
    return 0;
}

static const luaL_Reg lib[] = {
    {"begin", f_begin}, {"can_take_interrupts", f_can_take_interrupts}, {"finish", f_finish},
    {"leave", f_leave}, {"report_failures", f_report_failures},         {"take_interrupts", f_take_interrupts},
    {NULL, NULL},
};

int luaopen_moonkey_session(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
