/* redis_reader: long replies, without a connection. */
#include "unit.h"

#include "buf.h"
#include "redis_reader.h"

/* Each of half a million elements. */
static void takes_long_lists(void **state)
{
    (void)state;
    enum { MANY = 500000 };
    struct redis_reader reader;
    struct buf text;
    redisReply *reply;
    const char *why;
    buf_init(&text, MANY * 5);
    buf_printf(&text, "*%d\r\n", MANY);
    for (size_t i = 0; i < MANY; i++)
        buf_puts(&text, ":1\r\n");
    assert_true(redis_reader_init(&reader));
    for (int i = 0; i < 4; i++) {
        assert_true(redis_reader_feed(&reader, buf_text(&text), text.len, &why));
        assert_true(redis_reader_next(&reader, &reply, &why));
        assert_int_equal(reply->elements, MANY);
        freeReplyObject(reply);
    }
    redis_reader_free(&reader);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_long_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
