/*
 * moonkey.http: what everybody may know of the one client of the process. What changes it is in moonkey.control.
 */
#include <lauxlib.h>

#include "../clock.h"
#include "../task.h"
#include "control.h"
#include "lib.h"

/* http.check_base_url(text): true, or nil and what is wrong with it. */
static int f_check_base_url(lua_State *L)
{
    char err[ERROR_SIZE];
    struct origin origin;
    if (origin_parse(&origin, luaL_checkstring(L, 1), err) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, err);
    return 2;
}

/* http.row_calls(): attempts, status, traceparent of this task's calls since the row began; the last two are the last call's,
 * or nil. */
static int f_row_calls(lua_State *L)
{
    const struct task_calls *calls = task_calls();
    lua_pushinteger(L, calls->attempts);
    if (calls->status)
        lua_pushinteger(L, calls->status);
    else
        lua_pushnil(L);
    if (calls->traceparent[0])
        lua_pushstring(L, calls->traceparent);
    else
        lua_pushnil(L);
    return 3;
}

/*
 * http.stop_reason(): why nothing more is sent: "auth" after a 401, "forbidden" after many 403 in a row, "certificate" after
 * one that was refused, "consent" where it was not given; "limit": no more writes, after --max-changes. nil while things go on.
 */
static int f_stop_reason(lua_State *L)
{
    static const char *const names[] = {
        [REFUSED_CREDENTIAL] = "auth", [REFUSED_PERMISSION] = "forbidden", [REFUSED_CERTIFICATE] = "certificate",
        [REFUSED_CONSENT] = "consent", [REFUSED_LIMIT] = "limit",
    };
    const struct client *c = control_client();
    lua_pushstring(L, c ? names[client_refused(c)] : NULL);
    return 1;
}

/* http.dry_run(): are writes previewed instead of sent? */
static int f_dry_run(lua_State *L)
{
    const struct client *c = control_client();
    lua_pushboolean(L, c && client_dry_run(c));
    return 1;
}

/* http.forbid_writes(): no write is sent from now on, whoever asks for it. Nothing takes that back. */
static int f_forbid_writes(lua_State *L)
{
    struct client *c = control_client();
    (void)L;
    if (c) /* without one, no call can be made at all */
        client_forbid_writes(c);
    return 0;
}

/* http.origin(): host[:port], base URL, where the credential came from, the id of its token ("" if it names none). */
static int f_origin(lua_State *L)
{
    const struct client *c = control_need_client(L);
    lua_pushstring(L, client_origin(c)->host);
    lua_pushstring(L, client_origin(c)->url);
    lua_pushstring(L, client_credential_origin(c));
    lua_pushstring(L, client_token_id(c));
    return 4;
}

/* Seconds from now until `due`, where that is in the future. */
static void time_left(lua_State *L, const char *name, int64_t due)
{
    int64_t left = due - clock_now();
    if (left <= 0)
        return;
    lua_pushnumber(L, (lua_Number)left / (lua_Number)NS_PER_S);
    lua_setfield(L, -2, name);
}

/*
 * http.stats(): `retries`, `changes` (writes, however often each was tried) and `permits_used` (of a fleet's) since the start,
 * and what holds the run up, each only while it does: `paused` (seconds left of a pause that the server asked for),
 * `paused_elsewhere` (that it asked others for, says control.pause), `breaker` ("open" or "probing"), `probe_in` (seconds),
 * `adapted_rate` (starts a second that its 429s have left).
 */
static int f_stats(lua_State *L)
{
    static const char *const breakers[] = {[BREAKER_OPEN] = "open", [BREAKER_PROBING] = "probing"};
    const struct client *c = control_client();
    struct client_stats stats = c ? client_stats(c) : (struct client_stats){0};
    lua_createtable(L, 0, 8);
    lua_pushinteger(L, (lua_Integer)stats.retries);
    lua_setfield(L, -2, "retries");
    lua_pushinteger(L, (lua_Integer)stats.changes);
    lua_setfield(L, -2, "changes");
    lua_pushinteger(L, (lua_Integer)stats.permits_used);
    lua_setfield(L, -2, "permits_used");
    time_left(L, "paused", stats.paused_until);
    time_left(L, "paused_elsewhere", stats.told_until);
    lua_pushstring(L, breakers[stats.breaker]);
    lua_setfield(L, -2, "breaker");
    if (stats.breaker == BREAKER_OPEN)
        time_left(L, "probe_in", stats.breaker_due);
    if (stats.adapted_rate > 0) {
        lua_pushnumber(L, stats.adapted_rate);
        lua_setfield(L, -2, "adapted_rate");
    }
    return 1;
}

static const luaL_Reg lib[] = {
    {"check_base_url", f_check_base_url}, {"dry_run", f_dry_run}, {"forbid_writes", f_forbid_writes}, {"origin", f_origin},
    {"row_calls", f_row_calls},           {"stats", f_stats},     {"stop_reason", f_stop_reason},     {NULL, NULL},
};

int luaopen_moonkey_http(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
