/* call: see call.h. */
#include "call.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "../clock.h"
#include "../guard.h"
#include "../redact.h"
#include "../retry.h"
#include "../task.h"
#include "control.h"
#include "json.h"
#include "lib.h"
#include "secret.h"

enum { ERROR_BODY = 1 << 20 }; /* bytes of an error's body that are looked at */

static const char CALL[] = "moonkey.call";

struct pending {
    struct park park;
    struct call *call;
    const char *method;
    int (*deliver)(lua_State *L, const struct result *result);
};

static bool is_among(const char *name, const char *const *names)
{
    for (; names && *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void refuse_option(lua_State *L, const char *name, const char *const *others)
{
    luaL_Buffer known;
    luaL_buffinit(L, &known);
    for (; others && *others; others++) {
        luaL_addstring(&known, *others);
        luaL_addstring(&known, ", ");
    }
    luaL_addstring(&known, "max_time (seconds) and retry (a number)");
    luaL_pushresult(&known);
    luaL_error(L, "unknown option '%s'; there are %s", name, lua_tostring(L, -1));
}

struct call_options call_check_options(lua_State *L, int index, const char *const *others)
{
    struct call_options options = {0};
    if (lua_isnoneornil(L, index))
        return options;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        lua_Number value = lua_tonumber(L, -1);
        if (strcmp(name, "max_time") == 0) {
            luaL_argcheck(L, lua_type(L, -1) == LUA_TNUMBER && value > 0 && value < 1e9, index,
                          "max_time: expected seconds, more than 0");
            options.deadline = clock_now() + (int64_t)(value * (lua_Number)NS_PER_S);
        } else if (strcmp(name, "retry") == 0) {
            luaL_argcheck(L, lua_isinteger(L, -1) && value >= 0 && value < 1000, index,
                          "retry: expected a whole number, 0 or more");
            options.attempts = (unsigned)value + 1;
        } else if (!is_among(name, others)) {
            refuse_option(L, name, others);
        }
    }
    return options;
}

static bool must_announce(lua_State *L)
{
    return client_is_unannounced(control_need_client(L));
}

/* On top: when it began. Somebody may have thought about a question for long, which is not the row's time. */
static int announced(lua_State *L, int status, lua_KContext k)
{
    (void)status;
    struct task_calls *calls = task_calls();
    if (calls->deadline)
        calls->deadline += clock_now() - lua_tointeger(L, -1);
    lua_pop(L, 1);
    return ((lua_KFunction)k)(L, LUA_OK, 1);
}

/* Before the first write moonkey.announce says where it goes, which may park the task; goes on in `k` with 1 as its context and
 * the stack as it was. [-0, +*, e] */
static int announce(lua_State *L, lua_KFunction k)
{
    lua_pushinteger(L, clock_now());
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.announce");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "before_write");
    lua_replace(L, -2);
    lua_callk(L, 0, 0, (lua_KContext)k, announced);
    return announced(L, LUA_OK, (lua_KContext)k);
}

static bool must_intend(const char *method)
{
    return task_calls()->row != 0 && !guard_may_repeat(method);
}

/* On top: true, or nil, err. */
static int intended(lua_State *L, int status, lua_KContext k)
{
    (void)status;
    if (!lua_toboolean(L, -2))
        return 2;
    lua_pop(L, 2);
    return ((lua_KFunction)k)(L, LUA_OK, 2);
}

/* In a row of a batch, moonkey.batch.intents records a request that must not be repeated, so that a run that is killed
 * meanwhile does not send it twice; goes on in `k` with 2 as its context and the stack as it was. Where that fails, nil, err
 * become the results. [-0, +*, e] */
static int intend(lua_State *L, const char *method, const char *target, lua_KFunction k)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.batch.intents");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "before_once_only");
    lua_replace(L, -2);
    lua_pushinteger(L, task_calls()->row);
    lua_pushfstring(L, "%s %s", method, target);
    lua_callk(L, 2, 2, (lua_KContext)k, intended);
    return intended(L, LUA_OK, (lua_KContext)k);
}

static void on_done(struct call *call, void *arg)
{
    (void)call;
    task_wake(&((struct pending *)arg)->park, WAKE_DONE);
}

static int pending_gc(lua_State *L)
{
    struct pending *p = lua_touserdata(L, 1);
    task_unpark(&p->park);
    call_free(p->call);
    p->call = NULL;
    return 0;
}

static const char *kind_of(const struct result *r)
{
    switch (r->failure) {
    case FAILURE_NONE:
        return r->status == 401 || r->status == 403 ? "auth" : "api";
    case FAILURE_TIMEOUT:
        return "timeout";
    case FAILURE_CANCELLED:
        return "cancelled";
    case FAILURE_REFUSED:
        return "refused";
    case FAILURE_UNUSABLE:
        return "invalid_response";
    default:
        return "transport";
    }
}

static void set_text(lua_State *L, const char *name, const char *text, size_t len)
{
    lib_push_masked(L, text, len);
    lua_setfield(L, -2, name);
}

/* No more than `most` of these bytes, and no part of a UTF-8 character. */
static size_t cut(const char *text, size_t len, size_t most)
{
    if (len <= most)
        return len;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

static void set_flag(lua_State *L, const char *name, bool on)
{
    if (!on)
        return;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, name);
}

/* nil, err: the wire's facts go to moonkey.errors, which knows the shapes of error bodies. Everything is redacted before Lua
 * sees it. */
static int fail(lua_State *L, const struct pending *p, const char *kind, const char *message)
{
    struct result *r = call_result(p->call);
    bool unreadable = r->failure == FAILURE_NONE && r->status >= 200 && r->status < 300; /* else there were no error */
    bool unclear = call_is_unclear(p->call) || (unreadable && call_is_once_only(p->call));
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "moonkey.errors");
    lua_getfield(L, -1, "from_result");
    lua_createtable(L, 0, 12);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "kind");
    if (r->status) {
        lua_pushinteger(L, r->status);
        lua_setfield(L, -2, "status");
    }
    set_text(L, "message", message, strlen(message));
    set_text(L, "body", buf_text(&r->body), cut(buf_text(&r->body), r->body.len, ERROR_BODY));
    set_text(L, "path", call_target(p->call), strlen(call_target(p->call)));
    lua_pushstring(L, p->method);
    lua_setfield(L, -2, "method");
    lua_pushstring(L, client_origin(control_need_client(L))->host);
    lua_setfield(L, -2, "host");
    lua_pushinteger(L, call_attempts(p->call));
    lua_setfield(L, -2, "attempts");
    lua_pushboolean(L, retry_is_transient(r) && !unclear);
    lua_setfield(L, -2, "retryable");
    set_flag(L, "unknown", unclear);
    set_flag(L, "unfinished", call_was_cut_short(p->call));
    set_flag(L, "certificate", r->failure == FAILURE_CERTIFICATE);
    if (*call_traceparent(p->call)) {
        lua_pushstring(L, call_traceparent(p->call));
        lua_setfield(L, -2, "traceparent");
    }
    if (r->failure == FAILURE_NONE && r->status == 401) {
        lua_pushstring(L, client_credential_origin(control_need_client(L)));
        lua_setfield(L, -2, "credential_origin");
    }
    lua_call(L, 1, 1);
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* A good reply may repeat the credential in use, which no script is to print. That is the only secret that Lua does not get:
 * the `token` of another token is hidden, but can be revealed. */
static void mask_credential(lua_State *L, struct buf *body)
{
    struct buf clean;
    if (!redact_knows_of(buf_text(body), body->len)) /* nearly always */
        return;
    buf_init(&clean, REDACT_CAP(body->len));
    enum buf_status status = redact_append_learnt(&clean, buf_text(body), body->len);
    buf_wipe(body);
    *body = clean;
    if (status != BUF_OK)
        luaL_error(L, "not enough memory");
}

/* What came of a request that had to be recorded first. The results of the call stay on top. [-0, +0, e] */
static void tell_what_came(lua_State *L, const struct call *call, const struct result *r, bool failed)
{
    lua_Integer row = task_calls()->row;
    if (row == 0 || !call_is_once_only(call))
        return;
    bool carried_out = call_is_unclear(call) || (r->failure == FAILURE_NONE && r->status >= 200 && r->status <= 299);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.batch.intents");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "after_once_only");
    lua_replace(L, -2);
    lua_pushinteger(L, row);
    lua_pushboolean(L, carried_out);
    lua_pushboolean(L, carried_out && failed);
    lua_call(L, 3, 0);
}

int call_deliver_json(lua_State *L, const struct result *result)
{
    if (json_decode_without_nulls(L, buf_text(&result->body), result->body.len)) {
        lib_hide_tokens(L);
        return 1;
    }
    lua_pushfstring(L, "the body is not JSON: %s", lua_tostring(L, -1));
    return -1;
}

/* Ctrl-C in a session that goes on: nobody waits for the reply any more. */
static void on_abandon(struct park *park)
{
    task_wake(park, WAKE_CANCELLED);
}

/* What came of a call that was cut off. */
static void describe_abandoned(const struct pending *p, struct result *r)
{
    bool wrote = call_attempts(p->call) > 0 && strcmp(p->method, "GET") != 0;
    r->failure = FAILURE_CANCELLED;
    r->status = 0;
    r->sent = wrote;
    snprintf(r->message, sizeof r->message, "interrupted%s", wrote ? ", and it may have been carried out" : "");
}

static int ended(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct pending *p = (struct pending *)ctx;
    struct result *r = call_result(p->call);
    if (p->park.wake == WAKE_CANCELLED)
        describe_abandoned(p, r);
    struct task_calls *calls = task_calls();
    calls->attempts += call_attempts(p->call);
    calls->status = r->status;
    snprintf(calls->traceparent, sizeof calls->traceparent, "%s", call_traceparent(p->call));
    int count;
    bool failed = true;
    mask_credential(L, &r->body);
    if (r->failure != FAILURE_NONE || r->status < 200 || r->status > 299)
        count = fail(L, p, kind_of(r), r->message);
    else if ((count = p->deliver(L, r)) < 0)
        count = fail(L, p, "invalid_response", lua_tostring(L, -1));
    else
        failed = false;
    tell_what_came(L, p->call, r, failed);
    call_free(p->call); /* not left to the collector: there may be many, and their memory is not Lua's */
    p->call = NULL;
    return count;
}

/* Pushes the pending call, which is under way. [-0, +1, e] */
static struct pending *begin(lua_State *L, const struct call_request *request)
{
    struct client *client = control_need_client(L);
    struct pending *p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = (struct pending){.park.abandon = on_abandon, .method = request->method, .deliver = request->deliver};
    if (luaL_newmetatable(L, CALL)) {
        lua_pushcfunction(L, pending_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    struct call_options mine = *request->options;
    int64_t deadline = task_calls()->deadline;
    if (deadline && (!mine.deadline || deadline < mine.deadline))
        mine.deadline = deadline;
    p->call = client_call(client, request->method, request->target, request->body, request->body_len, &mine, on_done, p);
    if (!p->call)
        luaL_error(L, "out of memory");
    return p;
}

int call_start(lua_State *L, const struct call_request *request)
{
    task_check_can_wait(L, request->what);
    struct pending *p = begin(L, request);
    return task_park(L, &p->park, ended, (lua_KContext)p);
}

int call_start_write(lua_State *L, const struct call_request *request, lua_KFunction k, lua_KContext prepared)
{
    if (prepared < 1 && must_announce(L))
        return announce(L, k);
    if (prepared < 2 && must_intend(request->method))
        return intend(L, request->method, request->target, k);
    return call_start(L, request);
}

/* ---- a call that is waited for later ---- */

static struct pending *check_pending(lua_State *L, int index)
{
    struct pending *p = luaL_checkudata(L, index, CALL);
    luaL_argcheck(L, p->call, index, "the call has ended already");
    luaL_argcheck(L, !p->park.task, index, "another task waits for this call");
    return p;
}

void call_begin(lua_State *L, const struct call_request *request)
{
    task_check_can_wait(L, request->what);
    begin(L, request);
}

int call_wait(lua_State *L, int index, const char *what)
{
    struct pending *p = check_pending(L, index);
    task_check_can_wait(L, what);
    return task_park(L, &p->park, ended, (lua_KContext)p);
}

void call_cancel(lua_State *L, int index)
{
    struct pending *p = check_pending(L, index);
    task_calls()->attempts += call_attempts(p->call);
    call_free(p->call);
    p->call = NULL;
}

void call_open(lua_State *L)
{
    luaL_requiref(L, "moonkey.secret", luaopen_moonkey_secret, 0);
    luaL_requiref(L, "moonkey.json", luaopen_moonkey_json, 0);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.errors");
    lua_call(L, 1, 0);
    lua_pop(L, 2);
}
