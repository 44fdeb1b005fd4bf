/* redis_reader: see redis_reader.h. */
#include "redis_reader.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 64 << 10 }; /* a string is none, what tells its length is; hiredis looks through it again each time */

static const redisReplyObjectFunctions *standard; /* hiredis' own */

/* A few bytes announce a list of any length, and memory for it would be taken at once. */
static void *create_list(const redisReadTask *task, int elements)
{
    struct redis_reader *reader = task->privdata;
    if (elements < 0 || (size_t)elements > (REDIS_MOST_BYTES - reader->cost) / sizeof(redisReply))
        return NULL;
    reader->cost += (size_t)elements * sizeof(redisReply);
    return standard->createArray(task, elements);
}

bool redis_reader_init(struct redis_reader *reader)
{
    *reader = (struct redis_reader){.parser = redisReaderCreate()};
    if (!reader->parser)
        return false;
    standard = reader->parser->fn;
    reader->functions = *standard;
    reader->functions.createArray = create_list;
    reader->parser->fn = &reader->functions;
    reader->parser->privdata = reader;
    return true;
}

void redis_reader_free(struct redis_reader *reader)
{
    if (reader->parser)
        redisReaderFree(reader->parser);
    reader->parser = NULL;
}

static size_t unread(const redisReader *parser)
{
    return parser->len - parser->pos;
}

bool redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t len, const char **why)
{
    reader->fed += len;
    *why = "memory ran out while a reply was read";
    return redisReaderFeed(reader->parser, bytes, len) == REDIS_OK;
}

static bool is_line_too_long(const redisReader *parser)
{
    return unread(parser) > LONGEST_LINE && !memmem(parser->buf + parser->pos, LONGEST_LINE, "\r\n", 2);
}

bool redis_reader_next(struct redis_reader *reader, redisReply **reply, const char **why)
{
    void *whole = NULL;
    int code = redisReaderGetReply(reader->parser, &whole);
    *reply = whole;
    if (code != REDIS_OK) {
        bool memory = reader->parser->err == REDIS_ERR_OOM;
        *why = memory ? "a reply has more elements than can be taken, or memory ran out"
                      : "what answers there is no Redis, or speaks TLS: then the address begins with rediss://";
        return false;
    }
    if (whole) {
        reader->fed = unread(reader->parser);
        reader->cost = 0;
    } else if (reader->fed > REDIS_MOST_BYTES - reader->cost || is_line_too_long(reader->parser)) {
        *why = "a reply is larger than can be taken";
        return false;
    }
    return true;
}
