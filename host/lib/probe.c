/*
 * moonkey.probe: what `moonkey doctor` looks at, below Lua: a connection to the API, libraries, and the places of files.
 *
 * The one request that it sends is a GET without a credential, over a connection as the client's would be.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <microhttpd.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../clock.h"
#include "../origin.h"
#include "../secret.h"
#include "../task.h"
#include "../transfer.h"
#include "lib.h"
#include "secret.h"

#define TARGET "/public/v1/accounts/api-tokens?limit=0" /* api-contract, section 1 */

enum { MAX_BODY = 1 << 20, MAX_HEADERS = 256 * 1024, MAX_CONNECTIONS = 10 };

static const char PROBE[] = "moonkey.probe";

struct probe {
    struct park park;
    struct transfers *transfers;
    struct facts facts;
    struct result result;
    char url[sizeof((struct origin *)0)->url + sizeof TARGET];
};

static int probe_gc(lua_State *L)
{
    struct probe *p = lua_touserdata(L, 1);
    task_unpark(&p->park);
    transfers_free(p->transfers);
    p->transfers = NULL;
    buf_wipe(&p->result.body);
    return 0;
}

static void on_done(struct result *result, void *arg)
{
    struct probe *p = arg;
    p->result = *result;
    task_wake(&p->park, WAKE_DONE);
}

/* Ctrl-C: nobody wants to know any more. */
static void on_cancel(struct park *park)
{
    struct probe *p = (struct probe *)((char *)park - offsetof(struct probe, park));
    transfers_free(p->transfers);
    p->transfers = NULL;
    task_wake(park, WAKE_CANCELLED);
}

/* Names and words of the server: masked. */
static void set_text(lua_State *L, const char *name, const char *text)
{
    size_t len = strlen(text);
    if (len == 0)
        return;
    lib_push_masked(L, text, len);
    lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value, bool known)
{
    if (!known)
        return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, double value)
{
    if (value <= 0)
        return;
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static int ended(lua_State *L, int status, lua_KContext ctx)
{
    static const char *const steps[] = {[STEP_RESOLVE] = "resolve",
                                        [STEP_CONNECT] = "connect",
                                        [STEP_TLS] = "tls",
                                        [STEP_REQUEST] = "request",
                                        [STEP_REPLY] = "reply"};
    (void)status;
    struct probe *p = (struct probe *)ctx;
    const struct facts *f = &p->facts;
    if (p->park.wake == WAKE_CANCELLED) {
        lua_pushnil(L);
        lua_pushliteral(L, "interrupted");
        return 2;
    }
    lua_createtable(L, 0, 16);
    lua_pushstring(L, steps[f->step]);
    lua_setfield(L, -2, "step");
    set_seconds(L, "resolved", f->resolved);
    set_seconds(L, "connected", f->connected);
    set_seconds(L, "secured", f->secured);
    set_seconds(L, "replied", f->replied);
    set_text(L, "address", f->address);
    set_integer(L, "port", f->port, f->port > 0);
    set_integer(L, "proxy_status", f->proxy_status, f->proxy_status > 0);
    set_text(L, "certificate", f->certificate);
    set_integer(L, "expires", f->expires, f->expires != 0);
    set_text(L, "protocol", f->protocol ? f->protocol : "");
    set_integer(L, "date", f->date, f->date >= 0);
    if (f->date >= 0) {
        lua_pushnumber(L, (lua_Number)f->skew_ms / 1000);
        lua_setfield(L, -2, "skew");
    }
    set_integer(L, "status", p->result.status, p->result.status > 0);
    set_text(L, "message", p->result.message);
    lua_pushboolean(L, p->result.failure == FAILURE_TIMEOUT);
    lua_setfield(L, -2, "timed_out");
    lua_pushboolean(L, p->result.is_json);
    lua_setfield(L, -2, "is_json");
    return 1;
}

static struct probe *new_probe(lua_State *L)
{
    struct probe *p = lua_newuserdatauv(L, sizeof *p, 1);
    memset(p, 0, sizeof *p);
    p->park.cancel = on_cancel;
    if (luaL_newmetatable(L, PROBE)) {
        lua_pushcfunction(L, probe_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* whose strings are borrowed */
    return p;
}

/*
 * probe.connect{ base_url=, ca_file=, cert_file=, key_file=, proxy=, http2=, connect_timeout= (s), timeout= (s) }: a table of
 * what came of it, with `step`, how far it came ("resolve", "connect", "tls", "request", "reply"), and what is known of struct
 * facts and struct result; or nil and what is wrong with the base URL or the proxy, or "interrupted" on Ctrl-C.
 */
static int f_connect(lua_State *L)
{
    char err[ERROR_SIZE] = "";
    struct origin origin;
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *url = lib_text(L, "base_url");
    lua_getfield(L, 1, "connect_timeout");
    lua_getfield(L, 1, "timeout");
    lua_Number connect_timeout = luaL_optnumber(L, -2, 10), timeout = luaL_optnumber(L, -1, 15);
    task_check_can_wait(L, "probe.connect");
    if (origin_parse(&origin, url ? url : "", err) != 0 || origin_check_proxy(&origin, lib_text(L, "proxy"), err) != 0) {
        lua_pushnil(L);
        lua_pushstring(L, err);
        return 2;
    }
    const struct transfer_config config = {
        .user_agent = "moonkey/" MOONKEY_VERSION,
        .max_body = MAX_BODY,
        .max_headers = MAX_HEADERS,
        .connect_timeout_ms = (long)(connect_timeout * 1000),
        .total_timeout_ms = (long)(timeout * 1000),
        .max_connections = MAX_CONNECTIONS,
        .loopback = origin.loopback,
        .http2 = lib_flag(L, "http2"),
        .ca_file = lib_text(L, "ca_file"),
        .cert_file = lib_text(L, "cert_file"),
        .key_file = lib_text(L, "key_file"),
        .proxy = lib_text(L, "proxy"),
    };
    struct probe *p = new_probe(L);
    snprintf(p->url, sizeof p->url, "%s%s", origin.url, TARGET);
    const struct exchange exchange = {.method = "GET", .url = p->url, .may_repeat = true, .facts = &p->facts};
    p->transfers = transfers_new(task_loop(), &config);
    if (!p->transfers || !transfer_start(p->transfers, &exchange, on_done, p))
        return luaL_error(L, "out of memory");
    return task_park(L, &p->park, ended, (lua_KContext)p);
}

/* probe.libraries(): their versions by name, as they are at run time, and `ca_file` and `ca_path`, whom libcurl trusts. */
static int f_libraries(lua_State *L)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    lua_createtable(L, 0, 8);
    lua_pushliteral(L, LUA_RELEASE);
    lua_setfield(L, -2, "lua");
    lua_pushstring(L, curl->version);
    lua_setfield(L, -2, "libcurl");
    lua_pushstring(L, curl->ssl_version);
    lua_setfield(L, -2, "tls");
    lua_pushstring(L, sqlite3_libversion());
    lua_setfield(L, -2, "sqlite");
    lua_pushstring(L, MHD_get_version());
    lua_setfield(L, -2, "libmicrohttpd");
    lua_pushstring(L, curl->cainfo);
    lua_setfield(L, -2, "ca_file");
    lua_pushstring(L, curl->capath);
    lua_setfield(L, -2, "ca_path");
    return 1;
}

/* probe.place(path): can files be made in this directory, and how many bytes are free there; nil, message where it cannot be
 * told. */
static int f_place(lua_State *L)
{
    struct statvfs fs;
    const char *path = luaL_checkstring(L, 1);
    if (statvfs(path, &fs) != 0)
        return luaL_fileresult(L, 0, path);
    lua_pushboolean(L, faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0);
    lua_pushinteger(L, (lua_Integer)fs.f_bavail * (lua_Integer)fs.f_frsize);
    return 2;
}

/* probe.is_ours(path): is the file ours (or root's), whoever may read it? nil, message where it cannot be told. */
static int f_is_ours(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    if (stat(path, &st) != 0)
        return luaL_fileresult(L, 0, path);
    lua_pushboolean(L, st.st_uid == geteuid() || st.st_uid == 0);
    return 1;
}

static const luaL_Reg lib[] = {
    {"connect", f_connect}, {"is_ours", f_is_ours}, {"libraries", f_libraries}, {"place", f_place}, {NULL, NULL},
};

int luaopen_moonkey_probe(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
