/* jsontext: UTF-8, quoting, and the scan that guards the parser. */
#include "unit.h"

#include "jsontext.h"

static void knows_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"", 0},
        {"plain ascii of some length, beyond one word", 43},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x99", 9},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10},
        {"abcdefgh\xff", 8},
        {"a\x80", 1},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x80\x80", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x80\x80\x80", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"ab\xc3", 2},
        {"ab\xe2\x82", 2},
        {"ab\xf0\x9f\x8c", 2},
        {"\xe2\x28\xa1", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len ? len : 1);
        memcpy(exact, cases[i].text, len);
        assert_int_equal(utf8_valid_length(exact, len), cases[i].valid);
        assert_int_equal(json_is_utf8(exact, len), cases[i].valid == len);
        free(exact);
    }
}

static void quotes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a\"\\/b", "\"a\\\"\\\\/b\""},
        {"\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"Zo\xc3\xab", "\"Zo\xc3\xab\""},
        {"a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(json_quote(&out, cases[i][0], strlen(cases[i][0])), BUF_OK);
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_free(&out);
    }
    struct buf small;
    buf_init(&small, 3);
    assert_int_equal(json_quote(&small, "abc", 3), BUF_FULL);
    buf_free(&small);
}

/* Expected: "" for text that the parser may have as it is, the rewritten text, or `!part of the message`. */
static void scans(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a\":[1,2.5,-3e+10,true,null],\"b\":\"x\\n\"}", ""},
        {"[]", "[\"\\u0000[]\"]"},
        {"{\"a\":[ ]}", "{\"a\":[\"\\u0000[]\"]}"},
        {"[[],[1]]", "[[\"\\u0000[]\"],[1]]"},
        {"9007199254740993", "\"\\u0000i9007199254740993\""},
        {"[-9223372036854775808]", "[\"\\u0000i-9223372036854775808\"]"},
        {"9223372036854775807", "\"\\u0000i9223372036854775807\""},
        {"[9223372036854775808]", "!integer of more than 64 bits at byte 2"},
        {"[-9223372036854775809]", "!integer of more than 64 bits at byte 2"},
        {"99999999999999999999", "!integer of more than 64 bits"},
        {"99999999999999999999e0", ""},
        {"\"\\u0000x\"", "\"\\u0000s\\u0000x\""},
        {"{\"\\u0000k\":1}", ""},
        {"01", "!number"},
        {"1.", "!number"},
        {"[-.5]", "!number"},
        {"1e", "!number"},
        {"-", "!number"},
        {"\"\t\"", "!control character 0x09"},
        {"\"open", "!not closed at byte"},
        {"\"open\\", "!not closed at byte 7"},
        {"\"\xff\"", "!UTF-8 at byte 2"},
        {"[[[[[1]]]]]", "!nested deeper than 4"},
        {"[[[[1]]]]", ""},
        {"[{\"a\":[{}]}]", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i][0]);
        char *exact = malloc(len), why[128] = "";
        struct buf out;
        buf_init(&out, 1000);
        memcpy(exact, cases[i][0], len);
        TRY(cases[i][0]);
        bool well = json_scan(exact, len, 4, &out, why, sizeof why);
        assert_int_equal(well, cases[i][1][0] != '!');
        if (well)
            assert_string_equal(buf_text(&out), cases[i][1]);
        else
            assert_non_null(strstr(why, cases[i][1] + 1));
        buf_free(&out);
        free(exact);
    }
}

static void refuses_a_zero_byte(void **state)
{
    (void)state;
    struct buf out;
    char why[128] = "";
    buf_init(&out, 100);
    assert_false(json_scan("[1]\0", 4, 4, &out, why, sizeof why));
    assert_false(json_scan("\"a\0b\"", 5, 4, &out, why, sizeof why));
    buf_free(&out);
}

/* Each costs the parser some hundred bytes. A comma within a string is none. */
static void refuses_too_many_values(void **state)
{
    (void)state;
    static const char *const pieces[] = {"0,", "[],", "{\"\":0},"};
    enum { LONGEST = 8 * JSON_MOST_VALUES };
    char *text = malloc(LONGEST), why[128];
    struct buf out;
    buf_init(&out, LONGEST);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t len = JSON_MOST_VALUES * strlen(pieces[i]);
        for (size_t at = 0; at < len; at++)
            text[at + 1] = pieces[i][at % strlen(pieces[i])];
        text[0] = '[';
        buf_reset(&out);
        assert_false(json_scan(text, len + 1, 4, &out, why, sizeof why));
        assert_non_null(strstr(why, "more than 1000000 values"));
    }
    memset(text, ',', LONGEST);
    text[0] = text[LONGEST - 1] = '"';
    buf_reset(&out);
    assert_true(json_scan(text, LONGEST, 4, &out, why, sizeof why));
    buf_free(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(quotes),
        cmocka_unit_test(scans),
        cmocka_unit_test(refuses_a_zero_byte),
        cmocka_unit_test(refuses_too_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
