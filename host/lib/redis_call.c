/* redis_call: see redis_call.h. */
#include "redis_call.h"

#include <lauxlib.h>
#include <string.h>

#include "redis_answer.h"
#include "redis_connection.h"
#include "redis_places.h"

#define CALL "moonkey.redis.call"

#define MOST_ARGUMENTS 4096

struct waiting { /* one call of one task */
    struct park park;
    struct redis_call *call; /* NULL once it has ended */
    redisReply *reply;
    bool sent;
};

static int fail_by_end(lua_State *L, const struct connection *c, bool sent)
{
    lua_pushfstring(L, "the connection to Redis at %s is lost", c->at);
    redis_fail(L, "lost", lua_tostring(L, -1), redis_text(c->redis));
    lua_pushboolean(L, sent);
    lua_setfield(L, -2, "sent");
    return 2;
}

static struct redis_place place_of(const struct connection *c)
{
    return (struct redis_place){.host = c->host, .port = c->port, .tls = c->tls};
}

/* EXISTS is the server's own answer; that of a script may be anybody's words. */
static void follow(const struct connection *c, const char *command, const char *answer)
{
    struct redis_place place = place_of(c);
    if (strcasecmp(command, "EXISTS") == 0)
        redis_places_follow(&place, answer);
}

static void on_done(redisReply *reply, bool sent, void *arg)
{
    struct waiting *w = arg;
    w->call = NULL;
    w->reply = reply;
    w->sent = sent;
    task_wake(&w->park, WAKE_DONE);
}

static void drop_reply(struct waiting *w)
{
    if (w->reply)
        freeReplyObject(w->reply);
    w->reply = NULL;
}

static int waiting_gc(lua_State *L)
{
    struct waiting *w = luaL_checkudata(L, 1, CALL);
    task_unpark(&w->park);
    if (w->call)
        redis_forget(w->call);
    w->call = NULL;
    drop_reply(w);
    return 0;
}

/* The stack: the connection, the command, the call. */
static int answered(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    struct connection *c = redis_check_connection(L);
    struct waiting *w = luaL_checkudata(L, 3, CALL);
    if (!w->reply)
        return fail_by_end(L, c, w->sent);
    if (w->reply->type == REDIS_REPLY_ERROR) {
        follow(c, lua_tostring(L, 2), w->reply->str);
        lua_pushfstring(L, "Redis at %s refused %s", c->at, lua_tostring(L, 2));
        return redis_fail_by_server(L, lua_tostring(L, -1), w->reply->str);
    }
    redis_push_reply(L, w->reply);
    drop_reply(w);
    return 1;
}

/* 3.0 is sent as 3, which is what Redis takes for a number of things. */
static void make_whole(lua_State *L, int index)
{
    int is_whole = false;
    lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &is_whole) : 0;
    if (!is_whole)
        return;
    lua_pushinteger(L, value);
    lua_replace(L, index);
}

/* The arguments from `first` on, as they go on the wire; numbers become strings where they are. Pushes what owns the arrays. */
static int check_command(lua_State *L, int first, const char ***argv, size_t **lengths)
{
    int count = lua_gettop(L) - first + 1;
    luaL_checkstring(L, first);
    luaL_argcheck(L, count <= MOST_ARGUMENTS, first, "too many arguments");
    *argv = lua_newuserdatauv(L, (size_t)count * (sizeof **argv + sizeof **lengths), 0);
    *lengths = (size_t *)(*argv + count);
    for (int i = 0, left = REDIS_MOST_BYTES; i < count; i++, left -= (int)(*lengths)[i - 1]) {
        make_whole(L, first + i);
        (*argv)[i] = luaL_checklstring(L, first + i, &(*lengths)[i]);
        luaL_argcheck(L, (*lengths)[i] <= (size_t)left, first + i, "the command is longer than 64 MiB");
    }
    return count;
}

/*
 * Answers come in the order of commands, one each. What has none, or several, would give all that follow the answer of another:
 * also that of a script to an EXISTS.
 */
static void check_is_answered_once(lua_State *L, int argc, const char **argv)
{
    static const char subscribe[] = "SUBSCRIBE"; /* PUNSUBSCRIBE ends in it, too */
    static const char *const others[] = {"MONITOR", "SYNC", "PSYNC", "REPLCONF"};
    size_t len = strlen(argv[0]);
    bool once = !(argc > 1 && strcasecmp(argv[0], "CLIENT") == 0 && strcasecmp(argv[1], "REPLY") == 0) &&
                !(len >= sizeof subscribe - 1 && strcasecmp(argv[0] + len - (sizeof subscribe - 1), subscribe) == 0);
    for (size_t i = 0; once && i < sizeof others / sizeof *others; i++)
        once = strcasecmp(argv[0], others[i]) != 0;
    if (!once)
        luaL_error(L, "%s is not answered once, as everything must be that is sent here", argv[0]);
}

static int start_call(lua_State *L, int first, int64_t timeout)
{
    struct connection *c = redis_check_connection(L);
    const char **argv;
    size_t *lengths;
    int argc = check_command(L, first, &argv, &lengths);
    check_is_answered_once(L, argc, argv);
    task_check_can_wait(L, "a call of Redis");
    if (redis_state(c->redis) != REDIS_OPEN)
        return fail_by_end(L, c, false);
    struct waiting *w = lua_newuserdatauv(L, sizeof *w, 0);
    *w = (struct waiting){0};
    luaL_setmetatable(L, CALL);
    w->call = redis_call(c->redis, argc, argv, lengths, timeout, on_done, w);
    if (!w->call)
        return luaL_error(L, "not enough memory");
    lua_pushvalue(L, first); /* the arguments need not be kept: they are copied */
    lua_replace(L, 2);
    lua_replace(L, 3);
    lua_settop(L, 3);
    return task_park(L, &w->park, answered, 0);
}

int redis_connection_call(lua_State *L)
{
    return start_call(L, 2, redis_check_connection(L)->timeout);
}

int redis_connection_call_within(lua_State *L)
{
    return start_call(L, 3, redis_check_seconds(L, 2, luaL_checknumber(L, 2)));
}

void redis_call_open(lua_State *L)
{
    luaL_newmetatable(L, CALL);
    lua_pushcfunction(L, waiting_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
