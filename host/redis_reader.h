/*
 * redis_reader: the replies of a Redis server (RESP2, as hiredis parses it) out of the bytes in which they come. None takes
 * more than REDIS_MOST_BYTES, whatever the server announces.
 */
#ifndef MOONKEY_REDIS_READER_H
#define MOONKEY_REDIS_READER_H

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#define REDIS_MOST_BYTES ((size_t)64 << 20) /* of one command; of one reply, with what its elements take here */

/* Not to be moved once it is in use: the parser has its address. */
struct redis_reader {
    redisReader *parser;
    redisReplyObjectFunctions functions;
    size_t fed, cost; /* bytes of the reply that is being read: those that came, and those that its lists take */
};

/* False: memory ran out. */
bool redis_reader_init(struct redis_reader *reader);
void redis_reader_free(struct redis_reader *reader);

/* Once one of these is false, nothing more is to be read: this is no answer of Redis, or it is too large; `why` says so. */
bool redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t len, const char **why);
/* The next reply that is whole, which is the caller's to free (freeReplyObject), or NULL. */
bool redis_reader_next(struct redis_reader *reader, redisReply **reply, const char **why);

#endif
