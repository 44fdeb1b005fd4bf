/*
 * moonkey.http: the one client of the process: its set-up by the command line, and what it counts.
 *
 * The credential never passes through Lua: a command names its source, and the host reads it.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../task.h"
#include "call.h"
#include "lib.h"

#define VARIABLE "MPT_API_TOKEN" /* as the platform's own client calls it (api-contract, section 2) */

static struct client *client;
static struct secret *from_environment;
static char environment_error[ERROR_SIZE];
static const char refusal;  /* registry key: what calls raise while there is no client */
static const char settings; /* registry key: the table given to configure, which owns the strings that the client borrows */

struct client *call_client(lua_State *L)
{
    if (client)
        return client;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &refusal) != LUA_TNIL)
        lua_error(L);
    luaL_error(L, "no API is set up here; run this through a command that has one, such as `moonkey run`");
    return NULL;
}

void call_take_environment(void)
{
    const char *value = getenv(VARIABLE);
    if (value && *value)
        from_environment = secret_from_env(VARIABLE, environment_error);
    else
        unsetenv(VARIABLE);
}

bool call_stop_all(const char *why)
{
    if (client)
        client_stop(client, why);
    return client != NULL;
}

void call_close_client(void)
{
    client_free(client);
    secret_free(from_environment);
    client = NULL;
    from_environment = NULL;
}

static const char *text(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    const char *value = luaL_optstring(L, -1, NULL);
    lua_pop(L, 1); /* the table keeps it */
    return value;
}

static lua_Number number(lua_State *L, const char *name, lua_Number otherwise)
{
    lua_getfield(L, 1, name);
    lua_Number value = luaL_optnumber(L, -1, otherwise);
    lua_pop(L, 1);
    return value;
}

static int flag(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    int value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static struct secret *load_credential(lua_State *L, char *err)
{
    const char *name;
    if ((name = text(L, "credential_value")))
        return secret_new(name, strlen(name), "the emulator", err);
    if (flag(L, "credential_environment")) {
        struct secret *taken = from_environment;
        from_environment = NULL;
        snprintf(err, ERROR_SIZE, "%s", environment_error);
        return taken;
    }
    if ((name = text(L, "credential_file")))
        return secret_from_file(name, err);
    if ((name = text(L, "credential_command")))
        return secret_from_command(name, err);
    luaL_error(L, "configure: no source of a credential");
    return NULL;
}

/*
 * http.configure{ base_url=, credential_environment= | credential_file= | credential_command= | credential_value=, jobs=, rate=
 * (1/s), attempts=, max_time= (s), connect_timeout= (s), max_body= (bytes), read_only=, dry_run=, allow_self=, needs_consent=,
 * http2=, ca_file=, cert_file=, key_file=, proxy= }: true, or nil and what is wrong.
 */
static int f_configure(lua_State *L)
{
    char err[ERROR_SIZE] = "";
    luaL_checktype(L, 1, LUA_TTABLE);
    if (client)
        return luaL_error(L, "configure: the client is set up already");
    struct client_config config = {
        .user_agent = "moonkey/" MOONKEY_VERSION,
        .attempts = (unsigned)number(L, "attempts", 4),
        .max_time_ms = (int64_t)(number(L, "max_time", 0) * 1000),
        .connect_timeout_ms = (long)(number(L, "connect_timeout", 10) * 1000),
        .exchange_timeout_ms = 60000,
        .jobs = (unsigned)number(L, "jobs", 10),
        .rate = number(L, "rate", 0),
        .max_body = (size_t)number(L, "max_body", 16 << 20),
        .read_only = flag(L, "read_only"),
        .dry_run = flag(L, "dry_run"),
        .allow_self = flag(L, "allow_self"),
        .needs_consent = flag(L, "needs_consent"),
        .http2 = flag(L, "http2"),
        .ca_file = text(L, "ca_file"),
        .cert_file = text(L, "cert_file"),
        .key_file = text(L, "key_file"),
        .proxy = text(L, "proxy"),
    };
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &settings);
    const char *url = text(L, "base_url");
    if (origin_parse(&config.origin, url ? url : "", err) == 0 && (config.credential = load_credential(L, err)))
        client = client_new(task_loop(), &config, err);
    if (!client) {
        lua_pushnil(L);
        lua_pushstring(L, err);
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* http.refuse_with(value): what every call raises from now on, because there is no client. */
static int f_refuse_with(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &refusal);
    return 0;
}

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

static int f_environment_has_credential(lua_State *L)
{
    lua_pushboolean(L, from_environment != NULL || environment_error[0] != '\0');
    return 1;
}

/* http.begin_row(): from here on the calls of this task count, and share the time limit, as those of one row. */
static int f_begin_row(lua_State *L)
{
    (void)L;
    int64_t limit = client ? client_max_time(client) : 0;
    *task_calls() = (struct task_calls){.deadline = limit ? clock_now() + limit : 0};
    return 0;
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
 * one that was refused, "consent" where it was not given; nil while things go on.
 */
static int f_stop_reason(lua_State *L)
{
    static const char *const names[] = {
        [REFUSED_CREDENTIAL] = "auth",
        [REFUSED_PERMISSION] = "forbidden",
        [REFUSED_CERTIFICATE] = "certificate",
        [REFUSED_CONSENT] = "consent",
    };
    lua_pushstring(L, client ? names[client_refused(client)] : NULL);
    return 1;
}

/* http.announced(): false while the next write is one that moonkey.announce has to announce first. */
static int f_announced(lua_State *L)
{
    lua_pushboolean(L, !client_is_unannounced(call_client(L)));
    return 1;
}

/* http.set_account(text): whose token the credential is, for the announcement in the log. */
static int f_set_account(lua_State *L)
{
    client_set_account(call_client(L), luaL_checkstring(L, 1));
    return 0;
}

/* http.stop(why): start nothing new; what is on the wire is finished. */
static int f_stop(lua_State *L)
{
    call_stop_all(luaL_checkstring(L, 1));
    return 0;
}

static int f_consent(lua_State *L)
{
    client_consent(call_client(L));
    return 0;
}

/* http.decline(why): nothing is sent from now on. */
static int f_decline(lua_State *L)
{
    client_decline(call_client(L), luaL_checkstring(L, 1));
    return 0;
}

/* http.dry_run(): are writes previewed instead of sent? */
static int f_dry_run(lua_State *L)
{
    lua_pushboolean(L, client && client_dry_run(client));
    return 1;
}

/* http.origin(): host[:port], base URL, where the credential came from, the id of its token ("" if it names none). */
static int f_origin(lua_State *L)
{
    struct client *c = call_client(L);
    lua_pushstring(L, client_origin(c)->host);
    lua_pushstring(L, client_origin(c)->url);
    lua_pushstring(L, client_credential_origin(c));
    lua_pushstring(L, client_token_id(c));
    return 4;
}

static void count(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
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
 * http.stats(): counts since the start, and what holds the run up, each only while it does: `paused` (seconds left of a pause
 * that the server asked for), `breaker` ("open" or "probing"), `probe_in` (seconds), `adapted_rate` (starts a second that its
 * 429s have left).
 */
static int f_stats(lua_State *L)
{
    static const char *const breakers[] = {[BREAKER_OPEN] = "open", [BREAKER_PROBING] = "probing"};
    struct client_stats stats = client ? client_stats(client) : (struct client_stats){0};
    lua_createtable(L, 0, 12);
    count(L, "calls", stats.calls);
    count(L, "exchanges", stats.exchanges);
    count(L, "retries", stats.retries);
    count(L, "throttled", stats.throttled);
    count(L, "bytes_received", stats.bytes_received);
    count(L, "running", stats.running);
    count(L, "waiting", stats.waiting);
    time_left(L, "paused", stats.paused_until);
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
    {"announced", f_announced},
    {"begin_row", f_begin_row},
    {"check_base_url", f_check_base_url},
    {"configure", f_configure},
    {"consent", f_consent},
    {"decline", f_decline},
    {"dry_run", f_dry_run},
    {"environment_has_credential", f_environment_has_credential},
    {"origin", f_origin},
    {"refuse_with", f_refuse_with},
    {"row_calls", f_row_calls},
    {"set_account", f_set_account},
    {"stats", f_stats},
    {"stop", f_stop},
    {"stop_reason", f_stop_reason},
    {NULL, NULL},
};

int luaopen_moonkey_http(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
