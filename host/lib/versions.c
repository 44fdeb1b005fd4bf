/* moonkey.versions: which versions of the libraries the program runs with, which may differ from those it was built with. */
#include <csv.h>
#include <curl/curl.h>
#include <hiredis.h>
#include <lauxlib.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#ifdef MOONKEY_LIBEDIT
#include <histedit.h>
#endif
#ifdef MOONKEY_SECCOMP
#include <seccomp.h>
#endif

#include "lib.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

extern const char lua_ident[]; /* "$LuaVersion: Lua 5.4.4  Copyright …"; lua.h tells only of itself */

/* { name, version } at the end of the list on top of the stack. */
static void add(lua_State *L, const char *name, const char *version)
{
    lua_createtable(L, 2, 0);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, version);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void add_lua(lua_State *L)
{
    static const char before[] = "Lua 5";
    const char *found = strstr(lua_ident, before);
    char version[16] = LUA_VERSION_MAJOR "." LUA_VERSION_MINOR;
    if (found) {
        size_t len = strcspn(found + 4, " ");
        if (len < sizeof version)
            *(char *)mempcpy(version, found + 4, len) = '\0';
    }
    add(L, "Lua", version);
}

static void add_curl(lua_State *L)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    char version[128];
    snprintf(version, sizeof version, "%s with %s", curl->version, curl->ssl_version ? curl->ssl_version : "no TLS");
    add(L, "libcurl", version);
}

#ifdef MOONKEY_SECCOMP
static void add_seccomp(lua_State *L)
{
    const struct scmp_version *v = seccomp_version();
    char version[64];
    snprintf(version, sizeof version, "%u.%u.%u", v->major, v->minor, v->micro);
    add(L, "libseccomp", version);
}
#endif

/* list() -> { { name, version }, … }. libcsv, hiredis and libedit cannot be asked at run time: these are of their headers. */
static int f_list(lua_State *L)
{
    lua_newtable(L);
    add_lua(L);
    add_curl(L);
    add(L, "OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    add(L, "SQLite", sqlite3_libversion());
    add(L, "libmicrohttpd", MHD_get_version());
    add(L, "libcsv", TEXT(CSV_MAJOR) "." TEXT(CSV_MINOR) "." TEXT(CSV_RELEASE));
    add(L, "hiredis", TEXT(HIREDIS_MAJOR) "." TEXT(HIREDIS_MINOR) "." TEXT(HIREDIS_PATCH));
#ifdef MOONKEY_LIBEDIT
    add(L, "libedit", TEXT(LIBEDIT_MAJOR) "." TEXT(LIBEDIT_MINOR));
#endif
#ifdef MOONKEY_SECCOMP
    add_seccomp(L);
#endif
    return 1;
}

static const luaL_Reg lib[] = {
    {"list", f_list},
    {NULL, NULL},
};

int luaopen_moonkey_versions(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
