/* jsonpeek: what it says yes to, and which string it finds. That it never says yes where the decoder says no is
 * fuzz.json_decode's. */
#include "unit.h"

#include "jsonpeek.h"

/* Expected: the value of "id", or NULL for a no. */
static void peeks(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"id\":\"TKN-0000-0001\"}", "TKN-0000-0001"},
        {" {\"a\" : [ 1 , -2.5, 0, true,false , null, {}, [] ,\"\\u00e4\\n\\\"\" ] ,\"id\":\"x\"}\r\n", "x"},
        {"{\"id\":\"\"}", ""},
        {"{\"id\":\"a\",\"b\":{\"id\":\"inner\"},\"id\":\"last\"}", "last"},
        {"{\"a\":{\"b\":[{\"c\":{}}]},\"id\":\"Zo\xc3\xab\"}", "Zo\xc3\xab"},
        {"{\"nested\":{\"\\u0069d\":1},\"id\":\"x\"}", "x"},
        {"{\"n\":123456789012345,\"id\":\"x\"}", "x"},
        /* not what is looked for */
        {"{}", NULL},
        {"[]", NULL},
        {"\"id\"", NULL},
        {"", NULL},
        {"{\"b\":{\"id\":\"inner\"}}", NULL},
        {"{\"id\":1}", NULL},
        {"{\"id\":\"a\",\"id\":null}", NULL},
        {"{\"ID\":\"a\"}", NULL},
        /* out of the ordinary */
        {"{\"\\u0069d\":\"x\",\"id\":\"y\"}", NULL},
        {"{\"id\":\"x\\/\"}", NULL},
        {"{\"id\":\"x\",\"a\":1e3}", NULL},
        {"{\"id\":\"x\",\"a\":\"\\ud83c\\udf19\"}", NULL},
        {"{\"id\":\"x\",\"a\":1234567890123456}", NULL},
        /* not JSON */
        {"{\"id\":\"x\"", NULL},
        {"{\"id\":\"x", NULL},
        {"{\"id\":\"x\\", NULL},
        {"{\"id\":\"x\",}", NULL},
        {"{\"id\":\"x\" \"a\":1}", NULL},
        {"{\"id\" \"x\"}", NULL},
        {"{\"id\":\"x\"}}", NULL},
        {"{\"id\":\"x\"} x", NULL},
        {"{,\"id\":\"x\"}", NULL},
        {"{id:\"x\"}", NULL},
        {"{\"id\":\"x\",\"a\":[1,]}", NULL},
        {"{\"id\":\"x\",\"a\":[1}}", NULL},
        {"{\"id\":\"x\",\"a\":01}", NULL},
        {"{\"id\":\"x\",\"a\":1.}", NULL},
        {"{\"id\":\"x\",\"a\":-}", NULL},
        {"{\"id\":\"x\",\"a\":.5}", NULL},
        {"{\"id\":\"x\",\"a\":NaN}", NULL},
        {"{\"id\":\"x\",\"a\":nul}", NULL},
        {"{\"id\":\"x\",\"a\":\"\\x\"}", NULL},
        {"{\"id\":\"x\",\"a\":\"\\u12g4\"}", NULL},
        {"{\"id\":\"x\",\"a\":\"\\u12", NULL},
        {"{\"id\":\"x\",\"a\":\"\t\"}", NULL},
        {"{\"id\":\"x\",\"a\":\"\xff\"}", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i][0]), value_len;
        char *exact = malloc(len ? len : 1);
        const char *value;
        memcpy(exact, cases[i][0], len);
        TRY(cases[i][0]);
        bool found = json_peek(exact, len, "id", &value, &value_len);
        assert_int_equal(found, cases[i][1] != NULL);
        if (found) {
            assert_int_equal(value_len, strlen(cases[i][1]));
            assert_memory_equal(value, cases[i][1], value_len);
        }
        free(exact);
    }
}

static void refuses_a_zero_byte(void **state)
{
    (void)state;
    static const char within[] = "{\"id\":\"x\",\"a\":\"\0\"}", behind[] = "{\"id\":\"x\"}\0";
    const char *value;
    size_t len;
    assert_false(json_peek(within, sizeof within - 1, "id", &value, &len));
    assert_false(json_peek(behind, sizeof behind - 1, "id", &value, &len));
}

/* Neither is wrong; the decoder has limits of its own for both. */
static void leaves_what_is_large_to_others(void **state)
{
    (void)state;
    enum { SIZE = 70000 };
    static const char head[] = "{\"id\":\"x\",\"a\":";
    char *text = malloc(SIZE);
    const char *value;
    size_t len;
    for (int levels = 30; levels < 40; levels++) {
        memcpy(text, head, sizeof head - 1);
        char *p = text + sizeof head - 1;
        memset(p, '[', (size_t)levels);
        memset(p + levels, ']', (size_t)levels);
        p[2 * levels] = '}';
        assert_int_equal(json_peek(text, sizeof head + 2 * (size_t)levels, "id", &value, &len), levels <= 32);
    }
    memset(text, ' ', SIZE);
    memcpy(text, "{\"id\":\"x\"}", 10);
    assert_true(json_peek(text, 65536, "id", &value, &len));
    assert_false(json_peek(text, 65537, "id", &value, &len));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peeks),
        cmocka_unit_test(refuses_a_zero_byte),
        cmocka_unit_test(leaves_what_is_large_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
