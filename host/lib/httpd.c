/*
 * httpd: the HTTP server in Lua. One task accepts; each accept returns every request that waits, so that they can share a
 * transaction.
 *
 * A request's userdata holds it taken until it is collected. A server's userdata owns the server until stop or __gc.
 */
#include "../httpd.h"

#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "../clock.h"
#include "../loopback.h"
#include "../task.h"
#include "lib.h"

#define SERVER  "moonkey.httpd.server"
#define REQUEST "moonkey.httpd.request"

#define DEFAULT_MAX_BODY        ((lua_Integer)1 << 20)
#define DEFAULT_MAX_CONNECTIONS 4096
#define DEFAULT_PATIENCE        60
#define MAX_REQUEST_HEADERS     100
#define MAX_REPLY_HEADERS       16

struct server {
    struct httpd *httpd; /* NULL once stopped */
    int port;
    bool accepting;
    struct park park;
};

/* ---- requests ---- */

static struct httpd_request *check_request(lua_State *L)
{
    struct httpd_request *req = *(struct httpd_request **)luaL_checkudata(L, 1, REQUEST);
    luaL_argcheck(L, req, 1, "the request has been collected");
    return req;
}

/* A table by lower-case name; repeated headers are joined with ", " (RFC 9110, 5.3). Empty once replied. [-0, +1, m] */
static void push_headers(lua_State *L, const struct httpd_request *req)
{
    struct httpd_header headers[MAX_REQUEST_HEADERS];
    size_t count = httpd_headers(req, headers, MAX_REQUEST_HEADERS);

    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        const struct httpd_header *h = &headers[i];
        char name[128];

        if (h->name_len >= sizeof name)
            continue;
        for (size_t n = 0; n < h->name_len; n++)
            name[n] = (char)tolower((unsigned char)h->name[n]);
        lua_pushlstring(L, name, h->name_len);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_pushlstring(L, h->value, h->value_len);
        } else {
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, h->value, h->value_len);
            lua_concat(L, 3);
        }
        lua_rawset(L, -3);
    }
}

/*
 * req.method, req.path and req.query (as on the wire, still percent-encoded; query is nil without "?"), req.headers (built at
 * each access), req.body (nil when empty), and its methods.
 */
static int request_index(lua_State *L)
{
    const struct httpd_request *req = check_request(L);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "method") == 0) {
        lua_pushstring(L, req->method);
    } else if (strcmp(key, "path") == 0) {
        lua_pushlstring(L, req->target, strcspn(req->target, "?"));
    } else if (strcmp(key, "query") == 0) {
        const char *query = strchr(req->target, '?');
        lua_pushstring(L, query ? query + 1 : NULL);
    } else if (strcmp(key, "headers") == 0) {
        push_headers(L, req);
    } else if (strcmp(key, "body") == 0 && req->body.len) {
        lua_pushlstring(L, req->body.data, req->body.len);
    } else {
        lua_getfield(L, lua_upvalueindex(1), key);
    }
    return 1;
}

/* The table at `index` as headers; the texts stay Lua's. [-0, +0, e] */
static size_t check_headers(lua_State *L, int index, struct httpd_header *out)
{
    size_t count = 0;

    if (lua_isnoneornil(L, index))
        return 0;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING, index,
                      "names and values of headers must be strings");
        luaL_argcheck(L, count < MAX_REPLY_HEADERS, index, "too many headers");
        out[count++] = (struct httpd_header){.name = lua_tostring(L, -2), .value = lua_tostring(L, -1)};
        lua_pop(L, 1);
    }
    return count;
}

/* What came of an answer, whose headers were at `index`: true, or false when the client has gone. [-0, +1, e] */
static int push_result(lua_State *L, enum httpd_result result, int index)
{
    if (result == HTTPD_NOMEM)
        return luaL_error(L, "not enough memory");
    luaL_argcheck(L, result != HTTPD_BAD_HEADER, index, "a header cannot be sent as it is");
    lua_pushboolean(L, result == HTTPD_OK);
    return 1;
}

/* Status, body and headers from `first` on, of which `sent` bytes of the body are to be sent, or -1 for all. */
static int reply_with(lua_State *L, int first, lua_Integer sent)
{
    struct httpd_request *req = check_request(L);
    lua_Integer status = luaL_checkinteger(L, first);
    struct httpd_header headers[MAX_REPLY_HEADERS];
    size_t len, count;
    const char *body = luaL_optlstring(L, first + 1, "", &len);

    luaL_argcheck(L, status >= 200 && status <= 599, first, "not a status from 200 to 599");
    count = check_headers(L, first + 2, headers);
    if (req->response)
        return luaL_error(L, "the request has been replied to already");
    return push_result(L,
                       sent < 0 ? httpd_reply(req, (unsigned)status, body, len, headers, count)
                                : httpd_reply_part(req, (unsigned)status, body, len, (size_t)sent, headers, count),
                       first + 2);
}

/* req:reply(status [, body [, headers]]) -> true, or false when the client has gone. A request is replied to once. */
static int request_reply(lua_State *L)
{
    return reply_with(L, 2, -1);
}

/* req:reply_part(bytes, status, body [, headers]): announces the body, sends so many bytes of it, closes the connection. */
static int request_reply_part(lua_State *L)
{
    lua_Integer sent = luaL_checkinteger(L, 2);

    luaL_argcheck(L, sent >= 0, 2, "a number of bytes is not negative");
    return reply_with(L, 3, sent);
}

/* req:reset(): the connection ends as if this machine had crashed. */
static int request_reset(lua_State *L)
{
    return push_result(L, httpd_reset(check_request(L)), 1);
}

/* req:hold(): no answer; the connection stays until the client gives up. */
static int request_hold(lua_State *L)
{
    return push_result(L, httpd_hold(check_request(L)), 1);
}

static int request_gc(lua_State *L)
{
    struct httpd_request **ref = luaL_checkudata(L, 1, REQUEST);

    if (*ref)
        httpd_release(*ref);
    *ref = NULL;
    return 0;
}

/* ---- the server ---- */

static struct server *check_server(lua_State *L)
{
    return luaL_checkudata(L, 1, SERVER);
}

static void on_arrived(void *arg)
{
    struct server *s = arg;

    if (s->accepting)
        task_wake(&s->park, WAKE_DONE);
}

static void on_cancel(struct park *park)
{
    task_wake(park, WAKE_CANCELLED);
}

/* All that is pending, as an array. [-0, +1, m] */
static void push_pending(lua_State *L, struct httpd *httpd)
{
    lua_newtable(L);
    for (lua_Integer i = 1; httpd_pending(httpd); i++) {
        struct httpd_request **ref = lua_newuserdatauv(L, sizeof *ref, 0);

        *ref = NULL;
        luaL_setmetatable(L, REQUEST);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, i);
        *ref = httpd_take(httpd);
        lua_pop(L, 1);
    }
}

/* All that is pending; nil once the server has stopped or the program is to. [-0, +1, m] */
static int push_batch(lua_State *L, struct server *s)
{
    if (!s->httpd || task_interrupted())
        lua_pushnil(L);
    else
        push_pending(L, s->httpd);
    return 1;
}

static int accepted(lua_State *L, int status, lua_KContext ctx)
{
    struct server *s = check_server(L);

    (void)status;
    (void)ctx;
    s->accepting = false;
    return push_batch(L, s);
}

/* server:accept() -> an array of every request that waits | nil once stopped or interrupted. Parks while there is none. */
static int server_accept(lua_State *L)
{
    struct server *s = check_server(L);

    if (s->accepting)
        return luaL_error(L, "another task is accepting already");
    lua_settop(L, 1);
    if (!s->httpd || httpd_pending(s->httpd) || task_interrupted())
        return push_batch(L, s);
    task_check_can_wait(L, "server:accept");
    s->accepting = true;
    s->park.wake = WAKE_PENDING;
    s->park.cancel = on_cancel;
    return task_park(L, &s->park, accepted, 0);
}

static int server_port(lua_State *L)
{
    lua_pushinteger(L, check_server(L)->port);
    return 1;
}

/* server:quiesce() -> an array of what has arrived and waits. Nothing more is taken, and the port is free. */
static int server_quiesce(lua_State *L)
{
    struct server *s = check_server(L);

    if (!s->httpd) {
        lua_newtable(L);
        return 1;
    }
    httpd_quiesce(s->httpd);
    push_pending(L, s->httpd);
    return 1;
}

/* server:stop(): sends what has been replied and closes every connection; accept returns nil. Also __close. */
static int server_stop(lua_State *L)
{
    struct server *s = check_server(L);

    if (!s->httpd)
        return 0;
    httpd_stop(s->httpd);
    s->httpd = NULL;
    on_arrived(s);
    return 0;
}

static int server_gc(lua_State *L)
{
    struct server *s = check_server(L);

    if (s->accepting)
        task_unpark(&s->park);
    s->accepting = false;
    return server_stop(L);
}

static lua_Integer option(lua_State *L, const char *name, lua_Integer standard, lua_Integer least, lua_Integer most)
{
    lua_Integer value = standard;
    int is_integer = true;

    if (lua_getfield(L, 1, name) != LUA_TNIL)
        value = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || value < least || value > most)
        luaL_error(L, "httpd.listen: %s must be an integer from %I to %I", name, least, most);
    lua_pop(L, 1);
    return value;
}

static int64_t patience_option(lua_State *L)
{
    lua_Number seconds = DEFAULT_PATIENCE;
    int is_number = true;

    if (lua_getfield(L, 1, "patience") != LUA_TNIL)
        seconds = lua_tonumberx(L, -1, &is_number);
    if (!is_number || !(seconds >= 0 && seconds <= 86400))
        luaL_error(L, "httpd.listen: patience must be a number of seconds, up to a day");
    lua_pop(L, 1);
    return (int64_t)(seconds * (double)NS_PER_S);
}

/*
 * httpd.listen{ port = 0, host = "127.0.0.1", max_body = 1 MiB, max_connections =, patience = 60 } -> server | nil, message.
 * Port 0 picks a free one. A larger body is answered with 413. A client has `patience` seconds to send a request, and to take
 * the reply; 0 for any time.
 */
static int httpd_listen(lua_State *L)
{
    struct httpd_options options = {.arrived = on_arrived};
    struct server *s;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    options.port = (int)option(L, "port", 0, 0, 65535);
    options.max_body = (size_t)option(L, "max_body", DEFAULT_MAX_BODY, 0, (lua_Integer)1 << 30);
    options.patience = patience_option(L);
    options.max_connections = (unsigned)option(L, "max_connections", DEFAULT_MAX_CONNECTIONS, 1, 1 << 20);
    lua_getfield(L, 1, "host");
    options.host = luaL_optstring(L, 2, "127.0.0.1");
    luaL_argcheck(L, loopback_is(options.host), 1, "the host must be a loopback address, such as 127.0.0.1 or ::1");

    s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct server){0};
    luaL_setmetatable(L, SERVER);
    options.arg = s;
    s->httpd = httpd_start(task_loop(), &options);
    if (!s->httpd) {
        lua_pushnil(L);
        lua_pushfstring(L, "cannot listen on %s port %d: %s", options.host, options.port, strerror(errno));
        return 2;
    }
    s->port = httpd_port(s->httpd);
    return 1;
}

static const luaL_Reg request_methods[] = {
    {"hold", request_hold}, {"reply", request_reply}, {"reply_part", request_reply_part}, {"reset", request_reset},
    {NULL, NULL},
};

static const luaL_Reg server_methods[] = {
    {"accept", server_accept},
    {"port", server_port},
    {"quiesce", server_quiesce},
    {"stop", server_stop},
    {"__close", server_stop},
    {"__gc", server_gc},
    {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"listen", httpd_listen},
    {NULL, NULL},
};

int luaopen_moonkey_httpd(lua_State *L)
{
    luaL_newmetatable(L, SERVER);
    luaL_setfuncs(L, server_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newmetatable(L, REQUEST);
    luaL_newlib(L, request_methods);
    lua_pushcclosure(L, request_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, request_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, lib);
    return 1;
}
