/* traceparent: the form of W3C Trace Context, 3.2. */
#include "unit.h"

#include <ctype.h>

#include "traceparent.h"

static void check_form(const char *text)
{
    static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-01";
    assert_int_equal(strlen(text), TRACEPARENT_SIZE - 1);
    for (size_t i = 0; form[i]; i++)
        assert_true(form[i] == 'x' ? isdigit((unsigned char)text[i]) || (text[i] >= 'a' && text[i] <= 'f')
                                   : text[i] == form[i]);
}

static void has_the_form(void **state)
{
    (void)state;
    char text[TRACEPARENT_SIZE];
    for (int i = 0; i < 1000; i++) {
        traceparent_begin(text);
        check_form(text);
        traceparent_next(text);
        check_form(text);
    }
}

static void spans_differ_within_a_trace(void **state)
{
    (void)state;
    char a[TRACEPARENT_SIZE], b[TRACEPARENT_SIZE], c[TRACEPARENT_SIZE];
    traceparent_begin(a);
    memcpy(b, a, sizeof b);
    traceparent_next(b);
    traceparent_begin(c);
    assert_memory_equal(a, b, 36);
    assert_string_not_equal(a, b);
    assert_memory_not_equal(a, c, 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_form),
        cmocka_unit_test(spans_differ_within_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
