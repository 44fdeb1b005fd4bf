/* redact: a table of texts. */
#include "unit.h"

#include <time.h>

#include "redact.h"

#define LEARNT "LearntSecretValue42"

static const struct {
    const char *text, *expected;
} cases[] = {
    {"", ""},
    {"nothing here: id, token, authority, idt", "nothing here: id, token, authority, idt"},
    {LEARNT, "[redacted]"},
    {"a" LEARNT "b" LEARNT, "a[redacted]b[redacted]"},
    {"LearntSecretValu... is abbreviated", "[redacted]... is abbreviated"},
    {"LearntSecretVal... is none", "LearntSecretVal... is none"},
    {"LEARNTSECRETVALUE42 learntsecretvalue42", "[redacted] [redacted]"},
    {"cut off: LearntSecretValue4", "cut off: [redacted]"},
    {"LearntSecretVal", "LearntSecretVal"},
    {"\\u004cearntSecretValue\\u00342!", "[redacted]!"},
    {"\\\\u004CearntSecretValue42", "[redacted]"},
    {"%4cearntSecretValue%342", "[redacted]"},
    {"\\u004cearntSecretValu\\u00", "[redacted]"},
    {"LearntSecretValue\\u0035", "[redacted]\\u0035"},
    {"LearntSecretValueLearntSecretValue42", "[redacted][redacted]"},
    {"LearntSecretVaLearntSecretValue42", "LearntSecretVa[redacted]"},
    {"%254cearntSecretValue%252534%32", "[redacted]"},
    {"&#76;earntSecretValue&#x34;2 &#x4C;earntSecretValue&#0052;2", "[redacted] [redacted]"},
    {"LearntSecretValue&#x4 LearntSecretVal&#x2B;", "[redacted]&#x4 LearntSecretVal&#x2B;"},
    {"idt:TKN-1234-5678:abcDEF012", "idt:TKN-1234-5678:[redacted]"},
    {"\"idt:TKN-1234-5678:abc\",", "\"idt:TKN-1234-5678:[redacted]\","},
    {"IDT:TKN-1:abc", "IDT:TKN-1:[redacted]"},
    {"idt%3ATKN-1%3aabc&x=1", "idt%3ATKN-1%3a[redacted]&x=1"},
    {"idt\\u003aTKN-1\\u003Aab\\/c\\u002Bd\\nx", "idt\\u003aTKN-1\\u003A[redacted]\\nx"},
    {"idt:idt:TKN-1:abc", "idt:idt:[redacted]"},
    {"idt%253ATKN-1%253Aab%252Fc&x", "idt%253ATKN-1%253A[redacted]&x"},
    {"idt&#58;TKN-1&colon;ab&#x2F;c&quot;", "idt&#58;TKN-1&colon;[redacted]&quot;"},
    {"idt:TKN-1", "idt:TKN-1"},
    {"idt:TKN-1:", "idt:TKN-1:"},
    {"Authorization: Bearer abc\r\nAccept: x", "Authorization: [redacted]\r\nAccept: x"},
    {"authorization:abc", "authorization:[redacted]"},
    {"{\"Authorization\": \"Bearer abc\", \"x\": 1}", "{\"Authorization\": \"[redacted]\", \"x\": 1}"},
    {"{\"authorization\":[\"Bearer abc\"]}", "{\"authorization\":[\"[redacted]\"]}"},
    {"idt:authorization:Bearer abc", "idt:authorization:[redacted]"},
    {"authorization", "authorization"},
    {"authorization:", "authorization:"},
    {"{\"token\":\"abc\",\"name\":\"n\"}", "{\"token\":\"[redacted]\",\"name\":\"n\"}"},
    {"{\"token\" : \"a\\\"b\"}", "{\"token\" : \"[redacted]\"}"},
    {"{\"body\":\"{\\\"token\\\":\\\"abc\\\",\\\"x\\\":1}\"}", "{\"body\":\"{\\\"token\\\":\\\"[redacted]\\\",\\\"x\\\":1}\"}"},
    {"{\"tokens\":\"abc\"}", "{\"tokens\":\"abc\"}"},
    {"{\"token\":null}", "{\"token\":null}"},
    {"{\"token\":\"cut off", "{\"token\":\"[redacted]"},
    {"{\"token\":", "{\"token\":"},
    {"\"token", "\"token"},
};

static void masks(void **state)
{
    (void)state;
    assert_int_equal(redact_learn(LEARNT, strlen(LEARNT)), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* On the heap and without its NUL, so that the sanitizers see a step too far. */
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len ? len : 1);
        struct buf out;
        memcpy(exact, cases[i].text, len);
        buf_init(&out, 4096);
        redact_append(&out, exact, len);
        assert_string_equal(buf_text(&out), cases[i].expected);
        buf_free(&out);
        free(exact);
    }
    redact_forget_all();
}

/* A value with characters that have to be escaped nearly everywhere, as they are written by all kinds of servers. */
static void knows_other_spellings(void **state)
{
    (void)state;
    static const char value[] = "%41\"b\\c'd&e<f%%g>+/=";
    static const char *const spellings[] = {
        "%41\"b\\c'd&e<f%%g>+/=",                                               /* as it is */
        "%41\\\"b\\\\c'd&e<f%%g>+\\/=",                                         /* JSON */
        "%41\\\\\\\"b\\\\\\\\c'd&e<f%%g>+\\\\\\/=",                             /* JSON in JSON */
        "%41\\u0022b\\u005cc\\u0027d\\u0026e\\u003cf%%g\\u003E\\u002B/=",       /* JSON that is safe in HTML */
        "%2541%22b%5Cc%27d%26e%3Cf%25%25g%3e%2b%2f%3d",                         /* URL */
        "%252541%2522b%255Cc%2527d%2526e%253Cf%2525%2525g%253e%252b%252f%253d", /* URL in a URL */
        "%41&quot;b\\c&#39;d&amp;e&lt;f%%g&gt;+/=",                             /* HTML */
        "&#37;41&#x22;b&bsol;c&apos;d&#x26;e&#60;f&percnt;%g&gt;&plus;&sol;&equals;",
    };
    assert_int_equal(redact_learn(value, sizeof value - 1), 0);
    for (size_t i = 0; i < COUNT(spellings); i++) {
        struct buf out;
        buf_init(&out, 1000);
        TRY(spellings[i]);
        assert_true(redact_knows_of(spellings[i], strlen(spellings[i])));
        redact_append(&out, spellings[i], strlen(spellings[i]));
        assert_string_equal(buf_text(&out), REDACTED);
        buf_free(&out);
    }
    redact_forget_all();
}

/* Its id is no secret, and no part of the 16 bytes. */
static void the_id_stays_readable(void **state)
{
    (void)state;
    static const char value[] = "idt:TKN-0000-0001:LearntSecretValue42";
    static const char text[] = "idt:TKN-0000-0001 idt%3ATKN-0000-0001%3ALearnt, IDT:TKN-0000-0001:LEARNTSECRETVALUE!";
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(redact_learn(value, sizeof value - 1), 0);
    assert_false(redact_knows_of(text, 50));
    redact_append(&out, text, strlen(text));
    assert_string_equal(buf_text(&out), "idt:TKN-0000-0001 idt%3ATKN-0000-0001%3A[redacted], [redacted]!");
    buf_free(&out);
    redact_forget_all();
}

static void masks_what_is_learnt_alone(void **state)
{
    (void)state;
    static const char text[] = "{\"token\":\"idt:TKN-1:abc\",\"name\":\"" LEARNT "\"}";
    struct buf out;
    buf_init(&out, 1000);
    assert_false(redact_knows_of(text, strlen(text)));
    assert_int_equal(redact_learn(LEARNT, strlen(LEARNT)), 0);
    assert_true(redact_knows_of(text, strlen(text)));
    redact_append_learnt(&out, text, strlen(text));
    assert_string_equal(buf_text(&out), "{\"token\":\"idt:TKN-1:abc\",\"name\":\"[redacted]\"}");
    buf_free(&out);
    redact_forget_all();
}

/* Nothing is lost where masks are longer than what they mask. */
static void fits_the_cap(void **state)
{
    (void)state;
    static const char *const pieces[] = {"idt::b ", "idt::b,idt:::", "authorization:b\n", "\"token\":\"b\"", "abcdefgh"};
    assert_int_equal(redact_learn("abcdefgh", 8), 0);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        char text[10000] = "";
        struct buf out;
        for (size_t n = 0; n < 500; n++)
            strcat(text, pieces[i]);
        buf_init(&out, REDACT_CAP(strlen(text)));
        assert_int_equal(redact_append(&out, text, strlen(text)), BUF_OK);
        buf_free(&out);
    }
    redact_forget_all();
}

static void masks_every_prefix(void **state)
{
    (void)state;
    static const char text[] = "x {\"token\" : \"Value\\\"1\"} Authorization: Bearer V idt:TKN-1:V \"authorization\":[\"V\"]";
    for (size_t len = 0; len < sizeof text; len++) {
        char *exact = malloc(len ? len : 1);
        struct buf out;
        memcpy(exact, text, len);
        buf_init(&out, 4096);
        redact_append(&out, exact, len);
        assert_null(strchr(buf_text(&out), 'V'));
        buf_free(&out);
        free(exact);
    }
}

/* However small the buffer: what does not fit is left out, never left unmasked. */
static void keeps_to_the_cap(void **state)
{
    (void)state;
    assert_int_equal(redact_learn(LEARNT, strlen(LEARNT)), 0);
    for (size_t cap = 0; cap < 60; cap++) {
        struct buf out;
        buf_init(&out, cap);
        enum buf_status status = redact_append(&out, "before " LEARNT " after " LEARNT " end", 7 + 19 + 7 + 19 + 4);
        assert_int_equal(status, cap < 7 + 10 + 7 + 10 + 4 ? BUF_FULL : BUF_OK);
        assert_true(out.len <= cap);
        assert_null(strstr(buf_text(&out), "Learnt"));
        buf_free(&out);
    }
    redact_forget_all();
}

static void learns_what_is_long_enough(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(redact_learn("short", 5), 0);
    assert_int_equal(redact_learn("prefix-prefix", 13), 0);
    assert_int_equal(redact_learn("prefix-prefix-longer", 20), 0);
    assert_int_equal(redact_learn("prefix-prefix", 13), 0);
    redact_append(&out, "short prefix-prefix-longer prefix-prefix", 40);
    assert_string_equal(buf_text(&out), "short [redacted] [redacted]");
    redact_forget_all();
    buf_reset(&out);
    redact_append(&out, "prefix-prefix", 13);
    assert_string_equal(buf_text(&out), "prefix-prefix");
    buf_free(&out);
}

/* What overlaps is hidden as a whole, and no rule keeps what another one hides. */
static void hides_all_that_overlaps(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } texts[] = {
        {"x abcdefghijklmnop y", "x [redacted] y"},
        {"idt:TKN-1234-5678:abc", "idt:[redacted]"},
        {"{\"token\":\"abcdefghij\"}", "{\"token\":\"[redacted]\"}"},
    };
    assert_int_equal(redact_learn("abcdefghij", 10), 0);
    assert_int_equal(redact_learn("ghijklmnop", 10), 0);
    assert_int_equal(redact_learn("TKN-1234-5678", 13), 0);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct buf out;
        buf_init(&out, 100);
        redact_append(&out, texts[i].text, strlen(texts[i].text));
        assert_string_equal(buf_text(&out), texts[i].expected);
        buf_free(&out);
    }
    redact_forget_all();
}

/* Whatever a server sends, the time grows as the text does: these are millions of rules within rules. */
static void takes_linear_time(void **state)
{
    (void)state;
    static const char *const pieces[] = {"authorization:",
                                         "idt:",
                                         "idt:a:",
                                         "\"token\":\"",
                                         "\\",
                                         "%",
                                         "%25",
                                         "&",
                                         "&#",
                                         "&#0",
                                         "&amp;",
                                         "LearntSecretValue4",
                                         "LearntSecretVal",
                                         "\\u004c",
                                         "%254c",
                                         "&#x4c;"};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    assert_int_equal(redact_learn(LEARNT, strlen(LEARNT)), 0);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct buf out;
        clock_t started = clock();
        TRY(pieces[i]);
        for (size_t at = 0; at < SIZE; at++)
            text[at] = pieces[i][at % strlen(pieces[i])];
        buf_init(&out, 4 * (size_t)SIZE);
        redact_append(&out, text, SIZE);
        assert_true(clock() - started < 10 * CLOCKS_PER_SEC);
        buf_free(&out);
    }
    free(text);
    redact_forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks),
        cmocka_unit_test(knows_other_spellings),
        cmocka_unit_test(the_id_stays_readable),
        cmocka_unit_test(masks_what_is_learnt_alone),
        cmocka_unit_test(fits_the_cap),
        cmocka_unit_test(masks_every_prefix),
        cmocka_unit_test(keeps_to_the_cap),
        cmocka_unit_test(learns_what_is_long_enough),
        cmocka_unit_test(hides_all_that_overlaps),
        cmocka_unit_test(takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
