/* buf: growth, the cap, and that a failed append changes nothing. */
#include "unit.h"

#include "buf.h"

static void starts_empty(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.len, 0);
    buf_free(&b);
    buf_wipe(&b);
    buf_reset(&b);
}

static void appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_puts(&b, "one"), BUF_OK);
    assert_int_equal(buf_putc(&b, ' '), BUF_OK);
    assert_int_equal(buf_append(&b, "t\0o", 3), BUF_OK);
    assert_int_equal(buf_append(&b, NULL, 0), BUF_OK);
    assert_int_equal(buf_printf(&b, " %s %d", "three", 4), BUF_OK);
    assert_int_equal(b.len, 15);
    assert_memory_equal(b.data, "one t\0o three 4", 16); /* with the NUL at its end */
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_putc(&b, (char)('a' + i % 26)), BUF_OK);
    assert_int_equal(b.len, 100015);
    assert_int_equal(b.data[100014], 'a' + 99999 % 26);
    buf_reset(&b);
    assert_string_equal(buf_text(&b), "");
    assert_true(b.size > 100000);
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 1 << 20);
}

static void keeps_to_its_cap(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    assert_int_equal(buf_puts(&b, "12345"), BUF_OK);
    assert_int_equal(buf_putc(&b, '6'), BUF_FULL);
    assert_int_equal(buf_puts(&b, ""), BUF_OK);
    assert_string_equal(buf_text(&b), "12345");
    buf_reset(&b);
    assert_int_equal(buf_puts(&b, "123456"), BUF_FULL);
    assert_int_equal(buf_printf(&b, "%d", 1234567), BUF_FULL);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_printf(&b, "%d", 12345), BUF_OK);
    assert_string_equal(buf_text(&b), "12345");
    assert_int_equal(buf_reserve(&b, SIZE_MAX), BUF_FULL);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 4), BUF_FULL);
    buf_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(appends),
        cmocka_unit_test(keeps_to_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
