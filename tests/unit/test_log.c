/* log: what reaches standard error: levels, forms, the status line, and never a secret. */
#include "unit.h"

#include "log.h"
#include "redact.h"

#define SECRET "verysecretvalue0123456789"

static void configure(enum log_level level, enum log_format format, bool color)
{
    log_configure(&(struct log_options){.level = level, .format = format, .color = color});
}

static void write_each_level(void *arg)
{
    (void)arg;
    log_write(LOG_DEBUG, "debugged %d", 1);
    log_write(LOG_INFO, "told");
    log_write(LOG_WARN, "warned");
    log_write(LOG_ERROR, "failed");
}

static void has_levels(void **state)
{
    (void)state;
    static const struct {
        enum log_level level;
        const char *expected;
    } cases[] = {
        {LOG_DEBUG, "moonkey: debug: debugged 1\nmoonkey: told\nmoonkey: warning: warned\nmoonkey: failed\n"},
        {LOG_INFO, "moonkey: told\nmoonkey: warning: warned\nmoonkey: failed\n"},
        {LOG_WARN, "moonkey: warning: warned\nmoonkey: failed\n"},
        {LOG_ERROR, "moonkey: failed\n"},
        {LOG_OFF, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        configure(cases[i].level, LOG_FORMAT_TEXT, false);
        char *text = unit_capture(write_each_level, NULL);
        assert_string_equal(text, cases[i].expected);
        free(text);
        assert_true(log_enabled(LOG_ERROR) == (cases[i].level != LOG_OFF));
    }
    assert_int_equal(log_level_from_name("warn"), LOG_WARN);
    assert_int_equal(log_level_from_name("off"), LOG_OFF);
    assert_int_equal(log_level_from_name("loud"), -1);
}

static void write_text(void *arg)
{
    log_text(LOG_INFO, arg, strlen(arg));
}

static void masks_and_tames(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a " SECRET " b", "moonkey: a [redacted] b\n"},
        {"idt:TKN-1234-5678:abcdef", "moonkey: idt:TKN-1234-5678:[redacted]\n"},
        {"\033[31mred\007\r\x7f", "moonkey: \\x1b[31mred\\x07\\x0d\\x7f\n"},
        {"two\n\tlines", "moonkey: two\n\tlines\n"},
        {"100% %s Zo\xc3\xab", "moonkey: 100% %s Zo\xc3\xab\n"},
        {"", "moonkey: \n"},
    };
    configure(LOG_INFO, LOG_FORMAT_TEXT, false);
    assert_int_equal(redact_learn(SECRET, strlen(SECRET)), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = unit_capture(write_text, (void *)cases[i].text);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
    redact_forget_all();
}

static void has_a_json_form(void **state)
{
    (void)state;
    configure(LOG_INFO, LOG_FORMAT_JSON, false);
    char *text = unit_capture(write_text, "say \"idt:TKN-1:s3cr3t\"\n\033\xff");
    assert_memory_equal(text, "{\"time\":\"20", 11);
    assert_non_null(
        strstr(text, "Z\",\"level\":\"info\",\"message\":\"say \\\"idt:TKN-1:[redacted]\\\"\\n\\u001b\xef\xbf\xbd\"}\n"));
    free(text);
}

static void colors(void **state)
{
    (void)state;
    configure(LOG_WARN, LOG_FORMAT_TEXT, true);
    char *text = unit_capture(write_each_level, NULL);
    assert_string_equal(text, "\033[33mmoonkey: warning: warned\033[0m\n\033[31mmoonkey: failed\033[0m\n");
    free(text);
}

static void show_status(void *arg)
{
    (void)arg;
    log_status("50% idt:TKN-1:s3cr3t");
    log_write(LOG_INFO, "above");
    log_status(NULL);
    log_status(NULL);
    log_write(LOG_INFO, "after");
}

static void keeps_the_status_line_below(void **state)
{
    (void)state;
    configure(LOG_INFO, LOG_FORMAT_TEXT, false);
    char *text = unit_capture(show_status, NULL);
    assert_string_equal(text, "\r\033[K50% idt:TKN-1:[redacted]"
                              "\r\033[Kmoonkey: above\n50% idt:TKN-1:[redacted]"
                              "\r\033[K"
                              "moonkey: after\n");
    free(text);
}

static void hold_status(void *arg)
{
    (void)arg;
    log_status("10%");
    log_hold_status(true);
    log_hold_status(true);
    log_status("20%");
    log_write(LOG_INFO, "beside the question");
    log_hold_status(false);
    log_status("25%"); /* there is another question */
    log_hold_status(false);
    log_status("30%");
    log_status(NULL);
}

static void draws_no_status_line_over_a_question(void **state)
{
    (void)state;
    configure(LOG_INFO, LOG_FORMAT_TEXT, false);
    char *text = unit_capture(hold_status, NULL);
    assert_string_equal(text, "\r\033[K10%"
                              "\r\033[K"
                              "moonkey: beside the question\n"
                              "\r\033[K30%"
                              "\r\033[K");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_levels),
        cmocka_unit_test(masks_and_tames),
        cmocka_unit_test(has_a_json_form),
        cmocka_unit_test(colors),
        cmocka_unit_test(keeps_the_status_line_below),
        cmocka_unit_test(draws_no_status_line_over_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
