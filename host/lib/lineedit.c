/*
 * moonkey.lineedit: lines that a person types, or a pipe brings (lineedit.h). The task that reads waits; others go on.
 */
#include "../lineedit.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "../task.h"
#include "lib.h"

static const char EDITOR[] = "moonkey.lineedit";

/* The user values of an editor: the function that completes, and what it returned last. */
enum { COMPLETE = 1, INSERT = 2, SHOW = 3, PROMPT = 4 };

struct reader {
    struct park park;
    struct lineedit *edit; /* NULL: closed */
    lua_State *L;          /* while it reads: whose call that is */
    int self;              /* where on its stack the reader is */
};

static struct reader *check(lua_State *L)
{
    struct reader *r = luaL_checkudata(L, 1, EDITOR);
    luaL_argcheck(L, r->edit, 1, "it is closed");
    return r;
}

static void on_wake(void *arg)
{
    task_wake(&((struct reader *)arg)->park, WAKE_DONE);
}

static void on_cancel(struct park *park)
{
    lineedit_abandon(((struct reader *)park)->edit);
    task_wake(park, WAKE_CANCELLED);
}

static bool is_stopping(void)
{
    return task_interrupted() != 0;
}

/* Text that is kept for as long as the next is not asked for; "" for anything else. */
static const char *keep(lua_State *L, const struct reader *r, int value)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    lua_setiuservalue(L, r->self, value);
    return text;
}

/* Called by libedit, from within r_read's continuation. */
static bool on_complete(void *arg, const char *before, struct lineedit_completion *out)
{
    const struct reader *r = arg;
    lua_State *L = r->L;
    if (!lua_checkstack(L, LUA_MINSTACK))
        return false;
    int top = lua_gettop(L);
    bool ok = lua_getiuservalue(L, r->self, COMPLETE) == LUA_TFUNCTION && lua_pushstring(L, before) &&
              lua_pcall(L, 1, 2, 0) == LUA_OK && (lua_toboolean(L, -2) || lua_toboolean(L, -1));
    if (ok) {
        out->show = keep(L, r, SHOW);
        out->insert = keep(L, r, INSERT);
    }
    lua_settop(L, top);
    return ok;
}

/*
 * lineedit.open{ complete = function(before), history = lines }: an editor. complete() returns what to insert and what to show,
 * each a string or nil; it cannot wait. One at a time.
 */
static int f_open(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "complete");
    lua_getfield(L, 1, "history");
    lua_Integer history = luaL_optinteger(L, 3, 0);
    luaL_argcheck(L, history >= 0 && history <= 1000000, 1, "history: expected a number of lines");
    struct reader *r = lua_newuserdatauv(L, sizeof *r, PROMPT);
    *r = (struct reader){.park.cancel = on_cancel};
    luaL_setmetatable(L, EDITOR);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, COMPLETE);
    const struct lineedit_options options = {
        .wake = on_wake, .complete = on_complete, .stopping = is_stopping, .arg = r, .history = (unsigned)history};
    r->edit = lineedit_new(task_loop(), &options);
    if (!r->edit)
        return luaL_error(L, "lineedit.open: there is one already, or memory has run out");
    return 1;
}

static int reader_gc(lua_State *L)
{
    struct reader *r = luaL_checkudata(L, 1, EDITOR);
    task_unpark(&r->park);
    lineedit_free(r->edit);
    r->edit = NULL;
    return 0;
}

static int end(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

static int wait_for_more(lua_State *L, struct reader *r);

static int go_on(lua_State *L, int status, lua_KContext ctx)
{
    struct reader *r = (struct reader *)ctx;
    size_t len;
    const char *line;
    (void)status;
    if (r->park.wake == WAKE_CANCELLED)
        return end(L, "stopped");
    r->L = L;
    r->self = 1;
    r->park = (struct park){.cancel = on_cancel};
    switch (lineedit_go_on(r->edit)) {
    case LINEEDIT_MORE:
        return wait_for_more(L, r);
    case LINEEDIT_LINE:
        line = lineedit_line(r->edit, &len);
        lua_pushlstring(L, line, len);
        return 1;
    case LINEEDIT_END:
        return end(L, "end");
    case LINEEDIT_INTERRUPTED:
        return end(L, "interrupted");
    case LINEEDIT_TOO_LONG:
        return end(L, "too long");
    case LINEEDIT_FAILED:
    default:
        return end(L, strerror(errno));
    }
}

/* What was woken in between, by a search within the editor, is answered at once. */
static int wait_for_more(lua_State *L, struct reader *r)
{
    return task_park(L, &r->park, go_on, (lua_KContext)r);
}

/* editor:read(prompt): a line; or nil and why there is none: "end", "interrupted" (Ctrl-C), "too long", "stopped" (the program
 * is to end) or a message of the system. */
static int r_read(lua_State *L)
{
    struct reader *r = check(L);
    const char *prompt = luaL_checkstring(L, 2);
    luaL_argcheck(L, strlen(prompt) < 64, 2, "the prompt is too long");
    task_check_can_wait(L, "reading a line");
    luaL_argcheck(L, !r->park.task, 1, "another task reads already");
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, PROMPT);
    r->park = (struct park){.cancel = on_cancel};
    if (!lineedit_begin(r->edit, prompt)) {
        lineedit_abandon(r->edit);
        return luaL_error(L, "not enough memory");
    }
    return wait_for_more(L, r);
}

/* editor:remember(line): it can be recalled with the arrow keys. */
static int r_remember(lua_State *L)
{
    lineedit_remember(check(L)->edit, luaL_checkstring(L, 2));
    return 0;
}

/* editor:hide() and editor:show() around what others write while a line is typed. */
static int r_hide(lua_State *L)
{
    lineedit_hide(check(L)->edit);
    return 0;
}

static int r_show(lua_State *L)
{
    lineedit_show(check(L)->edit);
    return 0;
}

/* editor:is_terminal(): does a person type? Second result: can lines be edited? */
static int r_is_terminal(lua_State *L)
{
    const struct reader *r = check(L);
    lua_pushboolean(L, lineedit_is_terminal(r->edit));
    lua_pushboolean(L, lineedit_edits(r->edit));
    return 2;
}

static const luaL_Reg methods[] = {
    {"close", reader_gc}, {"hide", r_hide}, {"is_terminal", r_is_terminal}, {"read", r_read}, {"remember", r_remember},
    {"show", r_show},     {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"open", f_open},
    {NULL, NULL},
};

int luaopen_moonkey_lineedit(lua_State *L)
{
    luaL_newmetatable(L, EDITOR);
    lua_pushcfunction(L, reader_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
