/*
 * moonkey.api: any endpoint of the platform, with the same credential and policy as the token calls.
 */
#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "../guard.h"
#include "call.h"
#include "json.h"
#include "lib.h"
#include "nearest.h"
#include "target.h"

enum { MAX_LINES = 64 * 1024, MAX_BODY = 16 << 20, MAX_HEADERS = 32 };

static const char bodies, lines; /* registry keys of scratch buffers: the client copies what it is given */

static const char *const options_of_request[] = {"headers", "json", "query", NULL};

static void append(lua_State *L, enum buf_status status, const char *what)
{
    if (status != BUF_OK)
        luaL_error(L, "%s too large for one request", what);
}

/*
 * The option `name`, on top: its type. As it stands in the table: a metamethod of the script's could make another request, and
 * that would take the place of what has been made of this one so far.
 */
static int push_option(lua_State *L, const char *name)
{
    if (!lua_istable(L, 3)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    lua_pushstring(L, name);
    return lua_rawget(L, 3);
}

/* ---- headers and body ---- */

static void check_header(lua_State *L, const char *name, const char *value)
{
    const char *ours = guard_reserved_header(name, strlen(name));
    if (ours)
        luaL_error(L, "headers: %s is the host's to set", ours);
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            luaL_error(L, "headers: a name has a character that is not allowed (RFC 9110, 5.6.2)");
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            luaL_error(L, "headers: the value of %s has a line break or another control character", name);
    if (!*name || !*value)
        luaL_error(L, "headers: a name or a value is empty");
}

/* A list in `nodes` whose texts are in one scratch buffer; NULL without headers. */
static const struct curl_slist *make_headers(lua_State *L, struct curl_slist *nodes)
{
    int type = push_option(L, "headers");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "headers: expected a table of names and values, got a %s", lua_typename(L, type));
    size_t count = 0, at[MAX_HEADERS];
    struct buf *text = lib_scratch(L, &lines, MAX_LINES);
    for (lua_pushnil(L); type == LUA_TTABLE && lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "headers: expected names and values that are strings");
        size_t name_len, value_len;
        const char *name = lua_tolstring(L, -2, &name_len), *value = lua_tolstring(L, -1, &value_len);
        if (strlen(name) != name_len || strlen(value) != value_len)
            luaL_error(L, "headers: a zero byte cannot be sent");
        check_header(L, name, value);
        if (count == MAX_HEADERS)
            luaL_error(L, "headers: more than %d", MAX_HEADERS);
        at[count++] = text->len;
        append(L, buf_printf(text, "%s: %s", name, value), "headers");
        append(L, buf_putc(text, '\0'), "headers");
    }
    lua_settop(L, 3);
    for (size_t i = 0; i < count; i++)
        nodes[i] = (struct curl_slist){.data = text->data + at[i], .next = i + 1 < count ? &nodes[i + 1] : NULL};
    return count ? nodes : NULL;
}

static const struct buf *make_body(lua_State *L)
{
    if (push_option(L, "json") == LUA_TNIL) {
        lua_settop(L, 3);
        return NULL;
    }
    struct buf *body = lib_scratch(L, &bodies, MAX_BODY);
    json_encode(L, -1, body, 0);
    lua_settop(L, 3);
    return body;
}

/* ---- the call ---- */

/* The same pointer for as long as the program runs: it is shown in errors. */
static const char *check_method(lua_State *L)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    enum { COUNT = sizeof methods / sizeof *methods };
    const char *method = luaL_checkstring(L, 1);
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(method, methods[i]) == 0)
            return methods[i];
    const char *near = nearest(method, methods, COUNT);
    luaL_error(L, "unknown method '%s'; %s%s%s", method, near ? "did you mean '" : "there are GET, POST, PUT, PATCH and DELETE",
               near ? near : "", near ? "'?" : "");
    return NULL;
}

/* The decoded body; true where there is none (204). */
static int deliver(lua_State *L, const struct result *result)
{
    if (result->body.len > 0)
        return call_deliver_json(L, result);
    lua_pushboolean(L, 1);
    return 1;
}

static const char *make_target(lua_State *L)
{
    push_option(L, "query");
    const char *target = target_make(L, 2, lua_gettop(L));
    lua_settop(L, 3);
    return target;
}

static int request(lua_State *L, int status, lua_KContext prepared)
{
    (void)status;
    struct curl_slist nodes[MAX_HEADERS];
    const char *method = check_method(L);
    struct call_options options = call_check_options(L, 3, options_of_request);
    const char *target = make_target(L);
    options.headers = make_headers(L, nodes);
    const struct buf *body = make_body(L);
    bool reads = strcmp(method, "GET") == 0;
    if (reads && body)
        luaL_error(L, "a GET has no body; json = … goes with POST, PUT and PATCH");
    const struct call_request r = {"api.request",        method,   target, body ? buf_text(body) : NULL,
                                   body ? body->len : 0, &options, deliver};
    return reads ? call_start(L, &r) : call_start_write(L, &r, request, prepared);
}

/* api.request(method, path [, { query =, json =, headers =, max_time =, retry = }]): the decoded body, true for an empty one,
 * or nil, err. */
static int f_request(lua_State *L)
{
    lua_settop(L, 3);
    return request(L, LUA_OK, 0);
}

static const luaL_Reg lib[] = {
    {"request", f_request},
    {NULL, NULL},
};

int luaopen_moonkey_api(lua_State *L)
{
    call_open(L);
    luaL_newlib(L, lib);
    return 1;
}
