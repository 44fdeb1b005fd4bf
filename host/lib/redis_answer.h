/* redis_answer: what moonkey.redis returns: replies, and errors as redis.c describes them. */
#ifndef MOONKEY_LIB_REDIS_ANSWER_H
#define MOONKEY_LIB_REDIS_ANSWER_H

#include <hiredis.h>
#include <lua.h>

/* Before the first error. [-0, +0, m] */
void redis_answer_open(lua_State *L);

/* nil, err with these fields; returns 2. [-0, +2, m] */
int redis_fail(lua_State *L, const char *kind, const char *title, const char *detail);
/* The same for an error that the server answered with. */
int redis_fail_by_server(lua_State *L, const char *title, const char *message);

/* How deep it goes is hiredis' to limit. [-0, +1, m] */
void redis_push_reply(lua_State *L, const redisReply *reply);

#endif
