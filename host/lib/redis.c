/*
 * moonkey.redis: connections to a Redis server, for the host's own modules: control.seal() takes it away.
 *
 *   redis.connect{ host=, port=, tls=, user=, db=, cacert=, cert=, key=, timeout= } -> connection | nil, err     (parks)
 *   conn:call(command, argument, …) -> reply | nil, err                                                          (parks)
 *   conn:call_within(seconds, command, argument, …)       where the server itself waits
 *   conn:close([why]), conn:is_open()
 *
 * A reply is a string (also a status such as "OK"), an integer, false for what is not there, or a list of them; an error within
 * a list is { error = "…" }. err.kind is "refused" (by us: it would not be safe), "redis" (the server answered with an error,
 * whose first word is err.code and whose text is err.message), "unreachable", "certificate", or "lost": the connection is gone,
 * and where err.sent, what was asked for may have been carried out. err.title and err.detail are for people, and tostring(err)
 * is both. Texts are masked.
 *
 *   redis.permit{ host=, port=, tls= }            once control.seal() was called, no other servers are connected to, nor can be
 *                                                 named, but those that one of them calls a node of its cluster, asked EXISTS
 *   redis.password{ environment = true | file = | command = } -> true | nil, message     of every connection from then on
 *   redis.environment_has_password(), redis.is_loopback(host) -> boolean
 */
#include "../redis.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../loopback.h"
#include "../task.h"
#include "lib.h"
#include "redis_answer.h"
#include "redis_call.h"
#include "redis_connection.h"
#include "redis_password.h"
#include "redis_places.h"

#define CONNECTION "moonkey.redis.connection"

#define WAYS_OF_A_PASSWORD "MOONKEY_QUEUE_PASSWORD, MOONKEY_QUEUE_PASSWORD_FILE or MOONKEY_QUEUE_PASSWORD_COMMAND"

#define DEFAULT_TIMEOUT 5
#define LONGEST_TIMEOUT 86400

/* ---- a connection ---- */

struct connection *redis_check_connection(lua_State *L)
{
    struct connection *c = luaL_checkudata(L, 1, CONNECTION);
    luaL_argcheck(L, c->redis, 1, "the connection has been collected");
    return c;
}

int64_t redis_check_seconds(lua_State *L, int index, lua_Number seconds)
{
    luaL_argcheck(L, seconds > 0 && seconds <= LONGEST_TIMEOUT, index, "a number of seconds, more than 0 and up to a day");
    return (int64_t)ceil(seconds * (double)NS_PER_S);
}

static int connection_close(lua_State *L)
{
    struct connection *c = redis_check_connection(L);
    redis_close(c->redis, luaL_optstring(L, 2, "it was closed here"));
    return 0;
}

/* __close, whose second argument is an error, or none. */
static int connection_leave(lua_State *L)
{
    lua_settop(L, 1);
    return connection_close(L);
}

static int connection_is_open(lua_State *L)
{
    lua_pushboolean(L, redis_state(redis_check_connection(L)->redis) == REDIS_OPEN);
    return 1;
}

static int connection_gc(lua_State *L)
{
    struct connection *c = luaL_checkudata(L, 1, CONNECTION);
    task_unpark(&c->opening);
    if (c->redis) {
        redis_close(c->redis, "it was closed here");
        redis_free(c->redis);
    }
    c->redis = NULL;
    return 0;
}

/* ---- connecting ---- */

static void on_opened(void *arg)
{
    struct connection *c = arg;
    task_wake(&c->opening, WAKE_DONE);
}

/* Of the database that was selected, which comes last. */
static bool is_of_database(const char *words)
{
    return strstr(words, "DB index") || strstr(words, "SELECT");
}

/* The server's words, and what to do. Masked already. [-0, +1, m] */
static void push_advice(lua_State *L, const char *words)
{
    if (strncmp(words, "NOAUTH", 6) == 0)
        lua_pushfstring(L, "%s Give the password with " WAYS_OF_A_PASSWORD, words);
    else if (strncmp(words, "WRONGPASS", 9) == 0 && redis_password())
        lua_pushfstring(L, "%s Check the password from %s, and the user of the queue's URL", words,
                        secret_origin(redis_password()));
    else if (strstr(words, "without any password configured"))
        lua_pushfstring(L, "%s It wants no password for its default user: name another one in the URL, or give no password",
                        words);
    else if (is_of_database(words))
        lua_pushfstring(L,
                        "%s; the URL of the queue ends in the number of a database, which has to be below `databases` in the "
                        "configuration of Redis, and 0 in a cluster",
                        words);
    else
        lua_pushstring(L, words);
}

static int opened(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    const struct connection *c = luaL_checkudata(L, 2, CONNECTION);
    switch (redis_state(c->redis)) {
    case REDIS_OPEN:
        return 1;
    case REDIS_REFUSED:
        lua_pushfstring(L, "Redis at %s refused the %s", c->at, is_of_database(redis_text(c->redis)) ? "database" : "login");
        redis_fail_by_server(L, lua_tostring(L, -1), redis_text(c->redis));
        push_advice(L, redis_text(c->redis));
        lua_setfield(L, -2, "detail");
        return 2;
    case REDIS_CERTIFICATE:
        lua_pushfstring(L, "no secure connection to Redis at %s", c->at);
        return redis_fail(L, "certificate", lua_tostring(L, -1), redis_text(c->redis));
    default:
        lua_pushfstring(L, "cannot connect to Redis at %s", c->at);
        return redis_fail(L, "unreachable", lua_tostring(L, -1), redis_text(c->redis));
    }
}

static lua_Integer integer(lua_State *L, const char *name, lua_Integer standard, lua_Integer least, lua_Integer most)
{
    lua_getfield(L, 1, name);
    lua_Integer value = luaL_optinteger(L, -1, standard);
    if (value < least || value > most)
        luaL_error(L, "redis.connect: %s must be an integer from %I to %I", name, least, most);
    lua_pop(L, 1);
    return value;
}

static int64_t timeout_option(lua_State *L)
{
    lua_getfield(L, 1, "timeout");
    int64_t timeout = redis_check_seconds(L, 1, luaL_optnumber(L, -1, DEFAULT_TIMEOUT));
    lua_pop(L, 1);
    return timeout;
}

/* redis.is_loopback(host): without TLS, no other is connected to. */
static int f_is_loopback(lua_State *L)
{
    lua_pushboolean(L, loopback_is_host(luaL_checkstring(L, 1)));
    return 1;
}

/* redis.permit{ host =, port =, tls = }: nothing, once it is too late. */
static int f_permit(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct redis_place place = {
        .host = lib_text(L, "host"),
        .port = (int)integer(L, "port", 6379, 1, 65535),
        .tls = lib_flag(L, "tls"),
    };
    luaL_argcheck(L, place.host, 1, "a host is needed");
    if (!redis_places_are_closed() && !redis_places_add(&place))
        return luaL_error(L, "not enough memory");
    return 0;
}

/* What must not be, whatever a caller thinks: NULL, or why not. */
static const char *find_danger(const struct redis_options *options)
{
    const struct link_options *link = &options->link;
    if (!redis_places_permit(&(struct redis_place){.host = link->host, .port = link->port, .tls = link->tls}))
        return "it is not the server of the queue that the command line, or the run, has named";
    if (!link_is_host(options->link.host))
        return "no host can be called so: give its name or its address";
    if (!options->link.tls && !loopback_is_host(options->link.host))
        return "without TLS, the password and the rows could be read on their way: give rediss://, or a loopback address";
    if (options->user && !options->password)
        return "there is a user, but no password: give one with " WAYS_OF_A_PASSWORD;
    return NULL;
}

static int f_connect(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct redis_options options = {
        .link =
            {
                .host = lib_text(L, "host"),
                .port = (int)integer(L, "port", 6379, 1, 65535),
                .tls = lib_flag(L, "tls"),
                .ca_file = lib_text(L, "cacert"),
                .cert_file = lib_text(L, "cert"),
                .key_file = lib_text(L, "key"),
            },
        .user = lib_text(L, "user"),
        .password = redis_password(),
        .db = (int)integer(L, "db", 0, 0, INT32_MAX),
        .timeout = timeout_option(L),
    };
    luaL_argcheck(L, options.link.host, 1, "a host is needed");
    options.link.timeout_ms = (options.timeout + NS_PER_MS - 1) / NS_PER_MS;
    task_check_can_wait(L, "redis.connect");
    const char *danger = find_danger(&options);
    if (danger) {
        lua_pushfstring(L, "no connection to Redis at %s:%d", options.link.host, options.link.port);
        return redis_fail(L, "refused", lua_tostring(L, -1), danger);
    }
    struct connection *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct connection){.timeout = options.timeout, .port = options.link.port, .tls = options.link.tls};
    luaL_setmetatable(L, CONNECTION);
    snprintf(c->host, sizeof c->host, "%s", options.link.host);
    bool bare = strchr(options.link.host, ':') && options.link.host[0] != '['; /* an address of IPv6 */
    snprintf(c->at, sizeof c->at, bare ? "[%s]:%d" : "%s:%d", options.link.host, options.link.port);
    c->redis = redis_open(task_loop(), &options, on_opened, c);
    if (!c->redis)
        return luaL_error(L, "not enough memory");
    return task_park(L, &c->opening, opened, 0);
}

static const luaL_Reg methods[] = {
    {"call", redis_connection_call},
    {"call_within", redis_connection_call_within},
    {"close", connection_close},
    {"is_open", connection_is_open},
    {"__close", connection_leave},
    {"__gc", connection_gc},
    {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"connect", f_connect},         {"environment_has_password", redis_password_is_in_environment},
    {"is_loopback", f_is_loopback}, {"password", redis_password_set},
    {"permit", f_permit},           {NULL, NULL},
};

int luaopen_moonkey_redis(lua_State *L)
{
    redis_call_open(L);
    redis_answer_open(L);
    luaL_newmetatable(L, CONNECTION);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
