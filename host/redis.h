/*
 * redis: a connection to a Redis server. hiredis formats and parses (RESP2), link carries the bytes.
 *
 * Commands are answered in their order, so many may be on their way at a time. One that gets no answer in time, and anything
 * else that goes wrong with the connection, is its end: what was sent may have been carried out or not.
 */
#ifndef MOONKEY_REDIS_H
#define MOONKEY_REDIS_H

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "redis_reader.h"
#include "secret.h"

struct redis_options {
    struct link_options link;
    const char *user;              /* NULL: the default one */
    const struct secret *password; /* NULL: none. Needed until the connection is open or has failed */
    int db;
    int64_t timeout; /* ns, of each command of the login */
};

enum redis_state {
    REDIS_OPENING,
    REDIS_OPEN,
    REDIS_UNREACHABLE, /* there was no connection */
    REDIS_CERTIFICATE, /* the server could not prove who it is, or ours was refused */
    REDIS_REFUSED,     /* the server answered the login with an error, whose words are the text */
    REDIS_LOST,
    REDIS_CLOSED, /* by redis_close() */
};

struct redis;
struct redis_call;

/*
 * Connect, AUTH where there is a password, SELECT. `opened` is called once, from within loop_step(); redis_state() tells what
 * came of it. NULL when memory ran out. Strings are copied.
 */
struct redis *redis_open(struct loop *loop, const struct redis_options *options, void (*opened)(void *arg), void *arg);
enum redis_state redis_state(const struct redis *redis);
/* Why it is not open, for people; masked. */
const char *redis_text(const struct redis *redis);
/* Ends what waits, and calls `done` for it. */
void redis_close(struct redis *redis, const char *why);
/* Not from within a callback. Does not call anybody. */
void redis_free(struct redis *redis);

/*
 * The command is one that is answered exactly once. `done` is called once, never from within here. It owns the reply:
 * freeReplyObject(). No reply: the connection has ended; `sent` tells whether some of the command may have reached the server,
 * so that it may have been carried out. An answer is waited for `timeout` ns from when the command is the next to be answered.
 * Only on an open connection. NULL when memory ran out, or the command is longer than REDIS_MOST_BYTES.
 */
struct redis_call *redis_call(struct redis *redis, int argc, const char **argv, const size_t *lengths, int64_t timeout,
                              void (*done)(redisReply *reply, bool sent, void *arg), void *arg);
/* Whoever waited for it is gone: `done` is not called. */
void redis_forget(struct redis_call *call);

#endif
