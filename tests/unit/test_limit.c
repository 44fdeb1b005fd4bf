/* limit: who is found to have taken too much, when, and what becomes of the process. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"

enum { MS = 1000 * 1000 };

static volatile sig_atomic_t poked;
static void *volatile last;

static void poke(void *running)
{
    poked++;
    last = running;
}

static int64_t cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Uses `ms` of processor time, or less where it is poked. */
static void burn(int ms, bool stubborn)
{
    int64_t end = cpu() + (int64_t)ms * MS;
    while (cpu() < end && (stubborn || !poked))
        continue;
}

static void begin(int64_t cpu_ms, int64_t total_ms)
{
    const struct limits_config config = {.memory = 64 << 20, .cpu = cpu_ms * MS, .cpu_total = total_ms * MS};
    poked = 0;
    limits_stop_by(poke);
    assert_int_equal(limits_begin(&config), 0);
}

/* Each case in a process of its own, because limits are for once: its exit code, and what it said. */
static int in_child(void (*body)(void), char *said, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; len + 1 < size && (n = read(ends[0], said + len, size - 1 - len)) > 0; len += (size_t)n)
        continue;
    said[len] = '\0';
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* In children a failed check is an exit code of its own: the line. */
#define CHECK(what)                                                                                                            \
    do {                                                                                                                       \
        if (!(what))                                                                                                           \
            _exit(100 + __LINE__ % 100);                                                                                       \
    } while (0)

static int a, b;

static void row_after_row(void)
{
    begin(100, 0);
    for (int64_t row = 1; row <= 5; row++) { /* each less than the limit, all of them more */
        struct account *account = limits_open(row);
        limits_enter(account, &a);
        burn(60, false);
        limits_leave();
        limits_close(account);
    }
    CHECK(limits_reached() == LIMIT_NONE && !poked);
    struct account *account = limits_open(7);
    for (int i = 0; i < 4 && !poked; i++) { /* in slices */
        limits_enter(account, &b);
        burn(40, false);
        limits_leave();
    }
    CHECK(limits_reached() == LIMIT_CPU && limits_row() == 7 && last == &b && strstr(limits_message(), "0.1 s"));
    limits_close(account);
    limits_end();
}

static void all_together(void)
{
    begin(0, 100);
    for (int64_t row = 1; row <= 5 && !poked; row++) {
        struct account *account = limits_open(row);
        limits_enter(account, &a);
        burn(60, false);
        limits_leave();
        limits_close(account);
    }
    CHECK(limits_reached() == LIMIT_CPU_TOTAL && strstr(limits_message(), "--max-cpu-total"));
    limits_end();
}

/* What only waits is nobody's time; who switches, is found. */
static void waits_and_switches(void)
{
    begin(100, 0);
    limits_enter(limits_script(), &a);
    usleep(300 * 1000);
    CHECK(!poked);
    CHECK(limits_switch(&b) == &a);
    burn(300, false);
    CHECK(last == &b && limits_row() == 0);
    CHECK(limits_switch(&a) == &b && last == &a);
    limits_leave();
    limits_end();
}

/* The one that passed the limit is stopped at once; others have a quarter of a second. */
static void others_finish(void)
{
    begin(50, 0);
    struct account *one = limits_open(1), *other = limits_open(2);
    limits_enter(one, &a);
    burn(300, false);
    CHECK(limits_must_stop());
    limits_leave();
    poked = 0;
    limits_enter(other, &b);
    CHECK(!limits_must_stop() && !poked);
    burn(150, false);
    CHECK(!poked);
    burn(300, false);
    CHECK(poked && limits_must_stop());
    limits_leave();
    limits_close(one);
    limits_close(other);
    limits_end();
}

static void memory(void)
{
    begin(0, 0);
    limits_enter(limits_script(), &a);
    limits_out_of_memory();
    CHECK(limits_reached() == LIMIT_MEMORY && !limits_must_stop()); /* it may clean up */
    burn(400, false);
    CHECK(limits_must_stop() && strstr(limits_message(), "64 MiB"));
    limits_leave();
    limits_end();
}

static void never_stops(void)
{
    begin(100, 0);
    fputs("kept", stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    struct account *account = limits_open(3);
    limits_enter(account, &a);
    burn(10000, true);
}

/* Ctrl-C, which needs no limits: what runs now is poked, and nothing that comes later. */
static void interrupted(void)
{
    poked = 0;
    CHECK(!limits_interrupt_running());
    limits_stop_by(poke);
    CHECK(!limits_interrupt_running());
    limits_enter(NULL, &a);
    CHECK(limits_interrupt_running() && last == &a && limits_must_stop() && strcmp(limits_message(), "interrupted") == 0);
    CHECK(!limits_interrupt_running());
    limits_switch(&b);
    CHECK(last == &b);
    limits_leave();
    limits_enter(NULL, &a);
    CHECK(!limits_must_stop() && last == &b);
    limits_leave();
    CHECK(limits_reached() == LIMIT_NONE);
}

static void without(void)
{
    CHECK(!limits_are_watched() && !limits_open(1) && !limits_script());
    limits_enter(NULL, &a);
    burn(50, false);
    limits_leave();
    limits_close(NULL);
    limits_end();
    CHECK(limits_reached() == LIMIT_NONE && !*limits_message() && !poked);
}

static void test_cases(void **state)
{
    static const struct {
        const char *name;
        void (*body)(void);
        int code;
        const char *said;
    } cases[] = {
        {"row after row", row_after_row, 0, NULL},
        {"all together", all_together, 0, NULL},
        {"waits and switches", waits_and_switches, 0, NULL},
        {"others finish", others_finish, 0, NULL},
        {"memory", memory, 0, NULL},
        {"without limits", without, 0, NULL},
        {"interrupted", interrupted, 0, NULL},
        {"never stops", never_stops, STOPPED_BY_LIMIT, "row 3: stopped: it took more than the 0.1 s"},
    };
    char said[2000];
    (void)state;
    fflush(stdout);
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        fflush(stdout);
        assert_int_equal(in_child(cases[i].body, said, sizeof said), cases[i].code);
        if (cases[i].said) {
            assert_non_null(strstr(said, cases[i].said));
            assert_non_null(strstr(said, "kept"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
