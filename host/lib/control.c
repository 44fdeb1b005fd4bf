/*
 * moonkey.control: the set-up of the client by the command line, and the reins of a run.
 *
 * The host's own modules take it as a local while they load. control.seal() then takes it away for good, before anything of the
 * user's runs: so no script can agree to writes, lift a limit, or set up a client of its own.
 *
 * The credential never passes through Lua: a command names its source, and the host reads it.
 */
#include "control.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../task.h"
#include "jail.h"
#include "lib.h"
#include "pace.h"
#include "redis_places.h"

#define VARIABLE "MPT_API_TOKEN" /* as the platform's own client calls it (api-contract, section 2) */

static struct client *client;
static struct secret *from_environment;
static char environment_error[ERROR_SIZE];
static bool sealed;         /* the set-up is over */
static const char refusal;  /* registry key: what calls raise while there is no client */
static const char settings; /* registry key: the table given to configure, which owns the strings that the client borrows */

struct client *control_client(void)
{
    return client;
}

struct client *control_need_client(lua_State *L)
{
    if (client)
        return client;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &refusal) != LUA_TNIL)
        lua_error(L);
    luaL_error(L, "no API is set up here; run this through a command that has one, such as `moonkey run`");
    return NULL;
}

void control_push_setting(lua_State *L, const char *name)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &settings) == LUA_TTABLE)
        lua_getfield(L, -1, name);
    else
        lua_pushnil(L);
    lua_remove(L, -2);
}

void control_take_environment(void)
{
    const char *value = getenv(VARIABLE);
    if (value && *value)
        from_environment = secret_from_env(VARIABLE, environment_error);
    else
        secret_wipe_env(VARIABLE);
}

bool control_stop_all(const char *why)
{
    if (client)
        client_stop(client, why);
    return client != NULL;
}

void control_close(void)
{
    client_free(client);
    secret_free(from_environment);
    client = NULL;
    from_environment = NULL;
}

static lua_Number number(lua_State *L, const char *name, lua_Number otherwise)
{
    lua_getfield(L, 1, name);
    lua_Number value = luaL_optnumber(L, -1, otherwise);
    lua_pop(L, 1);
    return value;
}

/* Rounded up: 0 would mean no limit, or one of libcurl's. */
static int64_t milliseconds(lua_State *L, const char *name, lua_Number seconds)
{
    return (int64_t)ceil(number(L, name, seconds) * 1000);
}

static struct secret *load_credential(lua_State *L, char *err)
{
    const char *name;
    if ((name = lib_text(L, "credential_value")))
        return secret_new(name, strlen(name), "the emulator", err);
    if (lib_flag(L, "credential_environment")) {
        struct secret *taken = from_environment;
        from_environment = NULL;
        snprintf(err, ERROR_SIZE, "%s", environment_error);
        return taken;
    }
    if ((name = lib_text(L, "credential_file")))
        return secret_from_file(name, err);
    if ((name = lib_text(L, "credential_command")))
        return secret_from_command(name, lib_text(L, "credential_origin"), err);
    luaL_error(L, "configure: no source of a credential");
    return NULL;
}

/*
 * control.configure{ base_url=, credential_environment= | credential_file= | credential_command= | credential_value=,
 * credential_origin= (what to call the command), jobs=,
 * rate= (1/s), attempts=, max_time= (s), connect_timeout= (s), max_body= (bytes), read_only=, dry_run=, allow_self=,
 * needs_consent=, max_changes=, http2=, ca_file=, cert_file=, key_file=, proxy= }: true, or nil and what is wrong.
 */
static int f_configure(lua_State *L)
{
    char err[ERROR_SIZE] = "";
    luaL_checktype(L, 1, LUA_TTABLE);
    if (client || sealed)
        return luaL_error(L, "configure: the client is set up already");
    struct client_config config = {
        .user_agent = "moonkey/" MOONKEY_VERSION,
        .attempts = (unsigned)number(L, "attempts", 4),
        .max_time_ms = milliseconds(L, "max_time", 0),
        .connect_timeout_ms = (long)milliseconds(L, "connect_timeout", 10),
        .exchange_timeout_ms = 60000,
        .jobs = (unsigned)number(L, "jobs", 10),
        .rate = number(L, "rate", 0),
        .max_body = (size_t)number(L, "max_body", 16 << 20),
        .read_only = lib_flag(L, "read_only"),
        .dry_run = lib_flag(L, "dry_run"),
        .allow_self = lib_flag(L, "allow_self"),
        .needs_consent = lib_flag(L, "needs_consent"),
        .max_changes = (uint64_t)number(L, "max_changes", 0),
        .http2 = lib_flag(L, "http2"),
        .ca_file = lib_text(L, "ca_file"),
        .cert_file = lib_text(L, "cert_file"),
        .key_file = lib_text(L, "key_file"),
        .proxy = lib_text(L, "proxy"),
    };
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &settings);
    const char *url = lib_text(L, "base_url");
    if (origin_parse(&config.origin, url ? url : "", err) == 0 && origin_check_proxy(&config.origin, config.proxy, err) == 0 &&
        (config.credential = load_credential(L, err)))
        client = client_new(task_loop(), &config, err);
    if (!client) {
        lua_pushnil(L);
        lua_pushstring(L, err);
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* control.refuse_with(value): what every call raises from now on, because there is no client. */
static int f_refuse_with(lua_State *L)
{
    luaL_checkany(L, 1);
    if (sealed)
        return luaL_error(L, "refuse_with: the set-up is over");
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &refusal);
    return 0;
}

static int f_environment_has_credential(lua_State *L)
{
    lua_pushboolean(L, from_environment != NULL || environment_error[0] != '\0');
    return 1;
}

/* control.begin_row([row]): from here on the calls of this task count, and share the time limit, as those of one row. `row` is
 * a number by which moonkey.batch.intents knows it. */
static int f_begin_row(lua_State *L)
{
    lua_Integer row = luaL_optinteger(L, 1, 0);
    int64_t limit = client ? client_max_time(client) : 0;
    *task_calls() = (struct task_calls){.row = row, .deadline = limit ? clock_now() + limit : 0};
    return 0;
}

/* control.set_account(text): whose token the credential is, for the announcement in the log. */
static int f_set_account(lua_State *L)
{
    client_set_account(control_need_client(L), luaL_checkstring(L, 1));
    return 0;
}

/* control.stop(why): start nothing new; what is on the wire is finished. */
static int f_stop(lua_State *L)
{
    control_stop_all(luaL_checkstring(L, 1));
    return 0;
}

/* control.go_on(): the end of control.stop(). Not after a signal. */
static int f_go_on(lua_State *L)
{
    (void)L;
    if (client) /* what stop() does without one: nothing */
        client_go_on(client);
    return 0;
}

static int f_consent(lua_State *L)
{
    client_consent(control_need_client(L));
    return 0;
}

/* control.decline(why): nothing is sent from now on. */
static int f_decline(lua_State *L)
{
    client_decline(control_need_client(L), luaL_checkstring(L, 1));
    return 0;
}

/* control.restrict{ "PUT /accounts/api-tokens/TKN-*", … }: no other request is sent from now on (permit.h). Raises for a bad
 * rule; check_permit has said what is wrong with it. */
static int f_restrict(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!client || sealed)
        return luaL_error(L, "restrict: there is no client, or the set-up is over");
    struct permits *permits = permits_new();
    const char *mistake = permits ? NULL : "out of memory";
    for (lua_Integer i = 1; !mistake && lua_geti(L, 1, i) == LUA_TSTRING; i++, lua_pop(L, 1))
        mistake = permits_add(permits, lua_tostring(L, -1));
    if (mistake) {
        permits_free(permits);
        return luaL_error(L, "restrict: %s", mistake);
    }
    client_restrict(client, permits);
    return 0;
}

/* control.check_permit(rule): nothing, or what is wrong with it. */
static int f_check_permit(lua_State *L)
{
    const char *rule = luaL_checkstring(L, 1);
    struct permits *permits = permits_new();
    const char *mistake = permits ? permits_add(permits, rule) : "out of memory";
    permits_free(permits);
    lua_pushstring(L, mistake);
    return 1;
}

/* Is the module one through which scripts could do what is the command line's, or the queue's? */
static bool is_sealed_off(const char *name)
{
    static const char queue[] = "moonkey.queue.";
    return strcmp(name, "moonkey.control") == 0 || strcmp(name, "moonkey.redis") == 0 ||
           strncmp(name, queue, sizeof queue - 1) == 0;
}

/* control.seal(): the set-up is over. Who holds one of these modules keeps what he has; nobody gets it any more. */
static int f_seal(lua_State *L)
{
    static const char *const tables[] = {LUA_LOADED_TABLE, LUA_PRELOAD_TABLE};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        luaL_getsubtable(L, LUA_REGISTRYINDEX, tables[i]);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
            if (lua_type(L, -2) == LUA_TSTRING && is_sealed_off(lua_tostring(L, -2))) {
                lua_pushvalue(L, -2);
                lua_pushnil(L);
                lua_settable(L, -5);
            }
    }
    redis_places_close();
    sealed = true;
    return 0;
}

static const luaL_Reg lib[] = {
    {"begin_row", f_begin_row},
    {"check_permit", f_check_permit},
    {"configure", f_configure},
    {"consent", f_consent},
    {"decline", f_decline},
    {"environment_has_credential", f_environment_has_credential},
    {"go_on", f_go_on},
    {"grant", pace_f_grant},
    {"jail", jail_begin},
    {"lease", pace_f_lease},
    {"meter", pace_f_meter},
    {"pause", pace_f_pause},
    {"refuse_with", f_refuse_with},
    {"release_demand", pace_f_release_demand},
    {"restrict", f_restrict},
    {"seal", f_seal},
    {"set_account", f_set_account},
    {"set_rate", pace_f_set_rate},
    {"stop", f_stop},
    {"wait_demand", pace_f_wait_demand},
    {NULL, NULL},
};

int luaopen_moonkey_control(lua_State *L)
{
    if (sealed)
        return luaL_error(L, "moonkey.control is the host's own");
    luaL_newlib(L, lib);
    return 1;
}
