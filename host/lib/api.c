/*
 * moonkey.api: any endpoint of the platform, with the same credential and policy as the token calls.
 *
 * Source: api-contract, sections 1 and 4 (paths, and an RQL expression as the query string); RFC 3986 for what stands in a URL.
 */
#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "../guard.h"
#include "call.h"
#include "json.h"
#include "lib.h"
#include "nearest.h"
#include "secret.h"

#define PREFIX "/public/v1"

enum { MAX_TARGET = 64 * 1024, MAX_BODY = 16 << 20, MAX_HEADERS = 32 };

static const char targets, bodies, lines; /* registry keys of scratch buffers: the client copies what it is given */

static const char *const options_of_request[] = {"headers", "json", "query", NULL};

/* ---- the target ---- */

static void append(lua_State *L, enum buf_status status, const char *what)
{
    if (status != BUF_OK)
        luaL_error(L, "%s too large for one request", what);
}

/* Dots would climb out of the prefix, and an empty segment may be something else to a server than to the host's guards. */
static void check_segments(lua_State *L, const char *path)
{
    for (const char *p = path; *p; p += strcspn(p, "/")) {
        size_t len = strcspn(++p, "/");
        luaL_argcheck(L, len > 0 || !*p, 2, "the path has an empty segment ('//')");
        luaL_argcheck(L, !(len == 1 && p[0] == '.') && !(len == 2 && memcmp(p, "..", 2) == 0), 2,
                      "the path has a segment '.' or '..'");
        if (!*p)
            break;
    }
}

/* "/accounts/modules", already percent-encoded; /public/v1 may stand before it. */
static void append_path(lua_State *L, struct buf *target)
{
    size_t len;
    const char *path = luaL_checklstring(L, 2, &len);
    luaL_argcheck(L, path[0] == '/', 2, "a path begins with '/', such as /accounts/modules");
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '?')
            luaL_argerror(L, 2, "the query goes into { query = … }, not into the path");
        luaL_argcheck(L, path[i] > 0x20 && path[i] < 0x7f && !strchr("#\\\"<>^`{|}", path[i]), 2,
                      "the path has a character that must be percent-encoded");
    }
    check_segments(L, path);
    if (strncmp(path, PREFIX "/", sizeof PREFIX) != 0)
        append(L, buf_puts(target, PREFIX), "path");
    append(L, buf_append(target, path, len), "path");
}

/* Percent-encoded where a URL's query cannot hold it; with `component`, also what separates one parameter from the next. */
static void append_encoded(lua_State *L, struct buf *target, const char *text, size_t len, bool component)
{
    const char *plain = component ? "-._~" : "-._~!$&'()*+,;=:@/?%|";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool as_it_is = c < 0x80 && (isalnum(c) || (c && strchr(plain, c)));
        append(L, as_it_is ? buf_putc(target, (char)c) : buf_printf(target, "%%%02X", c), "query");
    }
}

/* { limit = 10, select = "id" }: sorted by name, so that the same table is the same request. */
static void append_parameters(lua_State *L, struct buf *target, int table)
{
    lua_newtable(L);
    int names = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "query: expected names such as limit=, got a %s key", luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        lua_rawseti(L, names, (lua_Integer)lua_rawlen(L, names) + 1);
    }
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, names);
    lua_call(L, 1, 0);
    for (lua_Integer i = 1; lua_rawgeti(L, names, i) != LUA_TNIL; i++) {
        size_t len;
        const char *name = lua_tolstring(L, -1, &len);
        append(L, buf_putc(target, i == 1 ? '?' : '&'), "query");
        append_encoded(L, target, name, len, true);
        lua_rawget(L, table);
        if (lua_type(L, -1) == LUA_TTABLE || lua_type(L, -1) == LUA_TFUNCTION || lua_isuserdata(L, -1))
            luaL_error(L, "query: expected a string, a number or a boolean, got a %s", luaL_typename(L, -1));
        const char *value = luaL_tolstring(L, -1, &len);
        append(L, buf_putc(target, '='), "query");
        append_encoded(L, target, value, len, true);
        lua_pop(L, 2);
    }
    lua_settop(L, names - 1);
}

static const char *make_target(lua_State *L)
{
    struct buf *target = lib_scratch(L, &targets, MAX_TARGET);
    append_path(L, target);
    if (!lua_istable(L, 3))
        return buf_text(target);
    int type = lua_getfield(L, 3, "query");
    if (type == LUA_TSTRING) { /* RQL: the expression is the query string */
        size_t len;
        const char *query = lua_tolstring(L, -1, &len);
        append(L, len > 0 ? buf_putc(target, '?') : BUF_OK, "query");
        append_encoded(L, target, query, len, false);
    } else if (type == LUA_TTABLE) {
        append_parameters(L, target, lua_gettop(L));
    } else if (type != LUA_TNIL) {
        luaL_error(L, "query: expected a string, or a table of parameters, got a %s", lua_typename(L, type));
    }
    lua_pop(L, 1);
    return buf_text(target);
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
    int type = lua_istable(L, 3) ? lua_getfield(L, 3, "headers") : (lua_pushnil(L), LUA_TNIL);
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "headers: expected a table of names and values, got a %s", lua_typename(L, type));
    size_t count = 0, at[MAX_HEADERS];
    struct buf *text = lib_scratch(L, &lines, MAX_TARGET);
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
    if (!lua_istable(L, 3) || lua_getfield(L, 3, "json") == LUA_TNIL) {
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
static int deliver_json(lua_State *L, const struct result *result)
{
    if (result->body.len == 0)
        return lua_pushboolean(L, 1), 1;
    if (!json_decode_without_nulls(L, buf_text(&result->body), result->body.len)) {
        lua_pushfstring(L, "the body is not JSON: %s", lua_tostring(L, -1));
        return -1;
    }
    lib_hide_tokens(L);
    return 1;
}

/* `prepared`: 1 once it is announced, 2 once it is recorded as well. */
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
    if (!reads && prepared < 1 && call_must_announce(L))
        return call_announce(L, request);
    if (prepared < 2 && call_must_intend(method))
        return call_intend(L, method, target, request);
    return call_start(L, "api.request", method, target, body ? buf_text(body) : NULL, body ? body->len : 0, &options,
                      deliver_json);
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
    luaL_requiref(L, "moonkey.secret", luaopen_moonkey_secret, 0);
    luaL_requiref(L, "moonkey.json", luaopen_moonkey_json, 0);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonkey.errors");
    lua_call(L, 1, 0);
    luaL_newlib(L, lib);
    return 1;
}
