/* secret: the three sources, and what is refused without being quoted. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "redact.h"
#include "secret.h"

#define VALUE "idt:TKN-1234-5678:NeverQuoteThisValue42"

static char err[ERROR_SIZE];
static char path[] = "/tmp/moonkey-secret.XXXXXX";

static int start(void **state)
{
    (void)state;
    *err = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    redact_forget_all();
    return 0;
}

static void check_refused(struct secret *s, const char *part)
{
    assert_null(s);
    assert_non_null(strstr(err, part));
    assert_null(strstr(err, "NeverQuote"));
}

static void trims(void **state)
{
    (void)state;
    static const char *const texts[] = {VALUE, VALUE "\n", "  " VALUE "\r\n", "\t\n" VALUE "  \n\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct secret *s = secret_new(texts[i], strlen(texts[i]), "a test", err);
        assert_non_null(s);
        assert_string_equal(secret_value(s), VALUE);
        assert_string_equal(secret_origin(s), "a test");
        assert_string_equal(secret_token_id(s), "TKN-1234-5678");
        secret_free(s);
    }
    secret_free(NULL);
}

static void knows_a_long_id(void **state)
{
    (void)state;
    char text[200] = "idt:";
    memset(text + 4, 'T', 100);
    memcpy(text + 104, ":NeverQuote", sizeof ":NeverQuote");
    struct secret *s = secret_new(text, strlen(text), "a test", err);
    assert_non_null(s);
    assert_int_equal(strlen(secret_token_id(s)), 100);
    secret_free(s);
}

static void refuses_what_a_header_cannot_hold(void **state)
{
    (void)state;
    static const char *const texts[] = {VALUE " x", VALUE "\nX-Header: 1", VALUE "\x7f", VALUE "\xc3\xa9", ("\x01" VALUE)};
    for (size_t i = 0; i < COUNT(texts); i++)
        check_refused(secret_new(texts[i], strlen(texts[i]), "a test", err), "a test");
    check_refused(secret_new(VALUE "\0x", sizeof VALUE + 1, "a test", err), "a test");
    check_refused(secret_new("", 0, "a test", err), "empty");
    check_refused(secret_new(" \n", 2, "a test", err), "empty");
    check_refused(secret_new("1234567", 7, "a test", err), "too short");
    check_refused(secret_new("idt:TKN-1234-5678:1234567", 25, "a test", err), "too short");
    char *large = malloc(SECRET_MAX + 1);
    memset(large, 'x', SECRET_MAX + 1);
    check_refused(secret_new(large, SECRET_MAX + 1, "a test", err), "longer");
    struct secret *s = secret_new(large, SECRET_MAX, "a test", err);
    assert_non_null(s);
    secret_free(s);
    free(large);
}

static void knows_its_tokens_id(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"idt:TKN-1:abcdefgh", "TKN-1"},
        {"plainplainplain", ""},
        {"idt:unfinished", ""},
        {"idt::abcdefgh", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct secret *s = secret_new(cases[i][0], strlen(cases[i][0]), "a test", err);
        assert_string_equal(secret_token_id(s), cases[i][1]);
        secret_free(s);
    }
}

static void takes_it_out_of_the_environment(void **state)
{
    (void)state;
    char given[] = "MOONKEY_UNIT=" VALUE;
    putenv(given); /* as the environment of a new process: the text itself */
    struct secret *s = secret_from_env("MOONKEY_UNIT", err);
    assert_non_null(s);
    assert_string_equal(secret_value(s), VALUE);
    assert_null(getenv("MOONKEY_UNIT"));
    for (size_t i = sizeof "MOONKEY_UNIT"; i < sizeof given; i++)
        assert_int_equal(given[i], '\0');
    secret_free(s);
    check_refused(secret_from_env("MOONKEY_UNIT", err), "MOONKEY_UNIT is not set");
}

/* A process may be given a variable twice; only the first is seen. */
static void wipes_every_one_of_the_environment(void **state)
{
    (void)state;
    char first[] = "MOONKEY_UNIT=" VALUE, other[] = "MOONKEY_UNITS=" VALUE, second[] = "MOONKEY_UNIT=NeverQuoteThat43";
    char **before = environ, *given[] = {first, other, second, NULL};
    environ = given;
    struct secret *s = secret_from_env("MOONKEY_UNIT", err);
    assert_null(getenv("MOONKEY_UNIT"));
    assert_string_equal(getenv("MOONKEY_UNITS"), VALUE);
    environ = before;
    assert_string_equal(secret_value(s), VALUE);
    for (size_t i = sizeof "MOONKEY_UNIT"; i < sizeof first; i++)
        assert_int_equal(first[i] | (i < sizeof second ? second[i] : 0), '\0');
    secret_free(s);
}

static void quotes_no_credential_in_place_of_a_file(void **state)
{
    (void)state;
    static const char *const paths[] = {VALUE, ("/tmp/" VALUE), "NeverQuoteThisValue42NeverQuoteThisValue42",
                                        "/tmp/NeverQuoteThisValue42NeverQuoteThisValue42"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct buf out;
        check_refused(secret_from_file(paths[i], err), "looks like a credential: No such file");
        buf_init(&out, 1000);
        redact_append(&out, paths[i], strlen(paths[i]));
        assert_null(strstr(buf_text(&out), "NeverQuote"));
        buf_free(&out);
    }
    check_refused(secret_from_file("/tmp/a-file-of-a-long-name-that-is-not-there.txt", err), "the file /tmp/a-file");
}

static void reads_a_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, VALUE "\n", sizeof VALUE), sizeof VALUE);
    struct secret *s = secret_from_file(path, err);
    assert_non_null(s);
    assert_string_equal(secret_value(s), VALUE);
    assert_non_null(strstr(secret_origin(s), path));
    secret_free(s);
    static const mode_t open_modes[] = {0640, 0604, 0644, 0610, 0601, 0620, 0602, 0666};
    for (size_t i = 0; i < COUNT(open_modes); i++) {
        fchmod(fd, open_modes[i]);
        check_refused(secret_from_file(path, err), "chmod 600");
    }
    fchmod(fd, 0400);
    s = secret_from_file(path, err);
    assert_non_null(s);
    secret_free(s);
    assert_int_equal(ftruncate(fd, 0), 0);
    check_refused(secret_from_file(path, err), "empty");
    close(fd);
    unlink(path);
    check_refused(secret_from_file(path, err), "No such file");
    check_refused(secret_from_file("/tmp", err), "not a file");
}

/* As a shell gives one: MPT_API_TOKEN_FILE=<(command) */
static void waits_for_a_pipe(void **state)
{
    (void)state;
    int fds[2];
    char name[32];
    assert_int_equal(pipe(fds), 0);
    pid_t writer = fork();
    if (writer == 0) {
        usleep(100000);
        _exit(write(fds[1], VALUE, strlen(VALUE)) == (ssize_t)strlen(VALUE) ? 0 : 1);
    }
    close(fds[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", fds[0]);
    struct secret *s = secret_from_file(name, err);
    if (!s)
        fail_msg("%s", err);
    assert_string_equal(secret_value(s), VALUE);
    secret_free(s);
    close(fds[0]);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void runs_a_command(void **state)
{
    (void)state;
    struct secret *s = secret_from_command("echo " VALUE, NULL, err);
    assert_non_null(s);
    assert_string_equal(secret_value(s), VALUE);
    secret_free(s);
    check_refused(secret_from_command("echo " VALUE "; exit 3", NULL, err), "exit status 3");
    check_refused(secret_from_command("echo " VALUE "; kill -9 $$", NULL, err), "137");
    check_refused(secret_from_command("nosuchcommand-moonkey 2>/dev/null", NULL, err), "127");
    check_refused(secret_from_command("true", NULL, err), "empty");
    check_refused(secret_from_command("yes", NULL, err), "");
}

static int64_t skipped;

/* Once it has begun, there is half a second left. */
static int64_t late_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = skipped + (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
    skipped = 119 * NS_PER_S + NS_PER_S / 2;
    return now;
}

static void waits_for_no_command_for_ever(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"exec sleep 600", "gave no credential within 120 s"},
        {"echo " VALUE "; exec >&-; exec sleep 600", "did not end within 120 s"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        skipped = 0;
        clock_override(late_clock);
        struct secret *s = secret_from_command(cases[i][0], NULL, err);
        clock_override(NULL);
        check_refused(s, cases[i][1]);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

static void teaches_redact(void **state)
{
    (void)state;
    struct secret *s = secret_new("PlainCredentialWithoutForm", 26, "a test", err);
    struct buf out;
    buf_init(&out, 100);
    redact_append(&out, "x PlainCredentialWithoutForm y", 30);
    assert_string_equal(buf_text(&out), "x [redacted] y");
    buf_free(&out);
    secret_free(s);
}

static void the_part_after_the_id_is_masked_by_itself(void **state)
{
    (void)state;
    char err[ERROR_SIZE];
    static const char value[] = "idt:TKN-0000-0001:BarePartThatAnEchoMayShow";
    struct secret *s = secret_new(value, sizeof value - 1, "a test", err);
    assert_non_null(s);
    static const char echo[] = "id%3ATKN BarePartThatAnEchoMayShow!";
    struct buf out;
    buf_init(&out, 1000);
    redact_append(&out, echo, sizeof echo - 1);
    assert_string_equal(buf_text(&out), "id%3ATKN " REDACTED "!");
    buf_free(&out);
    secret_free(s);
    redact_forget_all();
}

/* Of a queue: what it may be, what messages call it, and that they never quote it. */
static void takes_passwords(void **state)
{
    (void)state;
    static const char *const good[] = {"Never Quote \xc3\xa4 \"42\"", "  NeverQuote42\n", "idt:TKN-1234-5678:NeverQuote"};
    static const char *const bad[] = {"NeverQuote\nThat", "NeverQuote\tThat", "NeverQ", "", " \n"};
    char variable[100], command[100];
    for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
        bool fine = i < COUNT(good);
        const char *text = fine ? good[i] : bad[i - COUNT(good)];
        snprintf(variable, sizeof variable, "MOONKEY_UNIT=%s", text);
        putenv(variable);
        struct secret *s = secret_password_from_env("MOONKEY_UNIT", err);
        assert_null(getenv("MOONKEY_UNIT"));
        if (!fine) {
            check_refused(s, "the queue's password from the environment variable MOONKEY_UNIT");
            continue;
        }
        assert_non_null(s);
        assert_non_null(strstr(text, secret_value(s)));
        assert_string_equal(secret_token_id(s), "");
        secret_free(s);
    }
    snprintf(command, sizeof command, "echo '%s'", good[0]);
    struct secret *s = secret_password_from_command(command, err);
    assert_string_equal(secret_value(s), good[0]);
    secret_free(s);
    check_refused(secret_password_from_command("echo NeverQuoteThat; exit 3", err),
                  "the password command failed (exit status 3)");
    check_refused(secret_password_from_file("NeverQuote42", err),
                  "the queue's password from a file whose name looks like a pass");
    check_refused(secret_password_from_file("/nosuch/queue", err), "from the file /nosuch/queue: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trims, start, end),
        cmocka_unit_test_setup_teardown(refuses_what_a_header_cannot_hold, start, end),
        cmocka_unit_test_setup_teardown(knows_its_tokens_id, start, end),
        cmocka_unit_test_setup_teardown(knows_a_long_id, start, end),
        cmocka_unit_test_setup_teardown(takes_it_out_of_the_environment, start, end),
        cmocka_unit_test_setup_teardown(wipes_every_one_of_the_environment, start, end),
        cmocka_unit_test_setup_teardown(quotes_no_credential_in_place_of_a_file, start, end),
        cmocka_unit_test_setup_teardown(reads_a_file, start, end),
        cmocka_unit_test_setup_teardown(waits_for_a_pipe, start, end),
        cmocka_unit_test_setup_teardown(runs_a_command, start, end),
        cmocka_unit_test_setup_teardown(waits_for_no_command_for_ever, start, end),
        cmocka_unit_test_setup_teardown(teaches_redact, start, end),
        cmocka_unit_test_setup_teardown(takes_passwords, start, end),
        cmocka_unit_test(the_part_after_the_id_is_masked_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
