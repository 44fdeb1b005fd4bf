/*
 * redis: what a server sends, any bytes. However they are cut on their way, the same replies come out of them, they end at the
 * same mistake, and no list is longer than what was paid for.
 */
#include "fuzz.h"
#include "redis_reader.h"

static void write_down(struct buf *out, const redisReply *reply, int depth)
{
    REQUIRE(depth < 9);
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        buf_printf(out, ":%lld ", reply->integer);
        break;
    case REDIS_REPLY_NIL:
        buf_puts(out, "nil ");
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        REQUIRE(strlen(reply->str) <= reply->len && reply->str[reply->len] == '\0');
        buf_printf(out, "%d(%zu)", reply->type, reply->len);
        buf_append(out, reply->str, reply->len);
        break;
    case REDIS_REPLY_ARRAY:
        REQUIRE(reply->elements <= REDIS_MOST_BYTES / sizeof *reply);
        buf_printf(out, "*%zu[", reply->elements);
        for (size_t i = 0; i < reply->elements; i++)
            write_down(out, reply->element[i], depth + 1);
        buf_putc(out, ']');
        break;
    default:
        REQUIRE(!"a type that hiredis does not have");
    }
}

/* All replies of `text`, which comes in pieces of so many bytes, and at which reply it went wrong. */
static void read_all(struct buf *out, const char *text, size_t len, size_t piece)
{
    struct redis_reader reader;
    const char *why = NULL;
    redisReply *reply;
    bool well = redis_reader_init(&reader);
    for (size_t at = 0; well && at < len; at += piece) {
        well = redis_reader_feed(&reader, text + at, len - at < piece ? len - at : piece, &why);
        while (well && (well = redis_reader_next(&reader, &reply, &why)) && reply) {
            write_down(out, reply, 0);
            buf_putc(out, '\n');
            freeReplyObject(reply);
        }
    }
    if (!well) {
        REQUIRE(why && *why);
        buf_printf(out, "%s", why);
    }
    redis_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 7};
    struct input in = {(const char *)data, size};
    struct buf whole, cut;
    size_t len;
    char *text = input_rest(&in, &len);
    buf_init(&whole, 64 * len + 4096);
    buf_init(&cut, 64 * len + 4096);
    read_all(&whole, text, len, len);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        buf_reset(&cut);
        read_all(&cut, text, len, pieces[i]);
        REQUIRE(cut.len == whole.len && memcmp(buf_text(&cut), buf_text(&whole), whole.len) == 0);
    }
    buf_free(&whole);
    buf_free(&cut);
    free(text);
    return 0;
}
