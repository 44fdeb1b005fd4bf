/*
 * moonkey.jail: what the process gives up before a restricted script runs, and what it could give up (host/jail.h).
 *
 * Beginning it is a function of moonkey.control. What libcurl needs it allows by itself, from the settings of the client.
 */
#include "jail.h"

#include <curl/curl.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "../jail.h"
#include "control.h"
#include "lib.h"

enum { PORTS = 10, PROXY_PORT = 1080 /* where a proxy's is not given, says libcurl */ };

static void push_layer(lua_State *L, bool there, const char *why)
{
    if (there)
        lua_pushboolean(L, true);
    else
        lua_pushnil(L);
    lua_pushstring(L, there ? NULL : why);
}

/* { no_new_privs = true or nil, seccomp = true or nil, landlock = its version or nil, why = { layer = text, … } } */
static void push_status(lua_State *L, const struct jail_status *status)
{
    const struct {
        const char *name, *why;
        bool there;
    } layers[] = {
        {"no_new_privs", status->no_new_privs_why, status->no_new_privs},
        {"seccomp", status->seccomp_why, status->seccomp},
        {"landlock", status->landlock_why, status->landlock > 0},
    };
    lua_newtable(L);
    lua_newtable(L);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        push_layer(L, layers[i].there, layers[i].why);
        lua_setfield(L, -3, layers[i].name);
        lua_setfield(L, -3, layers[i].name);
    }
    if (status->landlock > 0) {
        lua_pushinteger(L, status->landlock);
        lua_setfield(L, -3, "landlock");
    }
    lua_setfield(L, -2, "why");
}

/* The strings of the list in a field of the table at 1, and those of `more` settings; kept by what is pushed. */
static const char *const *read_paths(lua_State *L, const char *field, const char *const *more, size_t more_count)
{
    luaL_argcheck(L, lua_getfield(L, 1, field) == LUA_TTABLE, 1, "expected the lists read and write");
    lua_Integer count = luaL_len(L, -1);
    const char **paths = lua_newuserdatauv(L, ((size_t)count + more_count + 1) * sizeof *paths, 0);
    size_t n = 0;
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_argcheck(L, lua_geti(L, -2, i) == LUA_TSTRING, 1, "expected paths");
        paths[n++] = lua_tostring(L, -1);
        lua_pop(L, 1); /* the list keeps it */
    }
    for (size_t i = 0; i < more_count; i++) {
        control_push_setting(L, more[i]);
        if (lua_isstring(L, -1))
            paths[n++] = lua_tostring(L, -1);
        lua_pop(L, 1); /* the settings keep it */
    }
    paths[n] = NULL;
    return paths;
}

/* That of a URL, or of a proxy; 0: none. */
static uint16_t port_of(const char *url, bool is_proxy)
{
    unsigned flags = CURLU_NON_SUPPORT_SCHEME | (is_proxy ? CURLU_GUESS_SCHEME : 0);
    char *text = NULL, *scheme = NULL;
    uint16_t port = 0;
    CURLU *parsed = url && *url ? curl_url() : NULL;
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, flags) == CURLUE_OK) {
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
        bool has_own = !is_proxy || (scheme && strcmp(scheme, "https") == 0);
        if (curl_url_get(parsed, CURLUPART_PORT, &text, has_own ? CURLU_DEFAULT_PORT : 0) == CURLUE_OK)
            port = (uint16_t)strtoul(text, NULL, 10);
        else if (is_proxy)
            port = PROXY_PORT;
    }
    curl_free(text);
    curl_free(scheme);
    curl_url_cleanup(parsed);
    return port;
}

static size_t add_port(uint16_t *ports, size_t count, uint16_t port)
{
    if (port)
        ports[count++] = port;
    return count;
}

/* Of the API, and of a proxy: the client's, or one of those that libcurl finds in the environment; and of the queue. */
static void find_ports(lua_State *L, uint16_t ports[PORTS])
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"};
    size_t count = 0;
    const struct client *client = control_client();
    if (client)
        count = add_port(ports, count, port_of(client_origin(client)->url, false));
    control_push_setting(L, "proxy");
    const char *proxy = lua_tostring(L, -1);
    count = add_port(ports, count, port_of(proxy, true));
    for (size_t i = 0; client && !proxy && i < sizeof variables / sizeof *variables; i++)
        count = add_port(ports, count, port_of(getenv(variables[i]), true));
    lua_pop(L, 1);
    lua_getfield(L, 1, "queue_port");
    lua_Integer queue = luaL_optinteger(L, -1, 0);
    luaL_argcheck(L, queue >= 0 && queue <= UINT16_MAX, 1, "queue_port: expected a port");
    count = add_port(ports, count, (uint16_t)queue);
    ports[count] = 0;
    lua_pop(L, 1);
}

/*
 * control.jail{ read = paths, write = paths, queue_port = number or nil }: the process gives up, for good, what neither the
 * host nor these have a need of; the files of `write` can be read, too. As jail.status: what there was to give up.
 */
int jail_begin(lua_State *L)
{
    static const char *const read_by_libcurl[] = {"ca_file", "cert_file", "key_file"};
    uint16_t ports[PORTS];
    struct jail_status status;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (jail_is_entered())
        return luaL_error(L, "jail: it has begun");
    struct jail_rules rules = {.ports = ports};
    rules.read = read_paths(L, "read", read_by_libcurl, sizeof read_by_libcurl / sizeof *read_by_libcurl);
    rules.write = read_paths(L, "write", NULL, 0);
    find_ports(L, ports);
    jail_enter(&rules, &status);
    push_status(L, &status);
    return 1;
}

/* jail.status(): { no_new_privs = true or nil, seccomp = true or nil, landlock = version or nil, why = { layer = text } }: what
 * a restricted script would be in here, and why it would not; or nil, message. */
static int f_status(lua_State *L)
{
    struct jail_status status;
    if (!jail_try(&status))
        return luaL_fileresult(L, 0, "cannot try it in another process");
    push_status(L, &status);
    return 1;
}

static const luaL_Reg lib[] = {
    {"status", f_status},
    {NULL, NULL},
};

int luaopen_moonkey_jail(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
