/* loop: timers, descriptors and signals, with a clock that the test turns by hand where it can. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"

static int64_t made_up;
static struct loop *loop;
static char trail[256];

static int64_t made_up_now(void)
{
    return made_up;
}

static int start(void **state)
{
    (void)state;
    loop = loop_new();
    *trail = '\0';
    return loop ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    clock_override(NULL);
    loop_free(loop);
    return 0;
}

struct named {
    struct timer timer;
    char name;
};

static void leave_trail(struct timer *timer)
{
    size_t len = strlen(trail);
    trail[len] = ((struct named *)timer)->name;
    trail[len + 1] = '\0';
}

static void fires_in_order(void **state)
{
    (void)state;
    static const int due[] = {5, 1, 9, 3, 7, 2, 8, 4, 6, 0};
    struct named timers[10] = {0};
    clock_override(made_up_now);
    made_up = 0;
    for (int i = 0; i < 10; i++) {
        timers[i] = (struct named){.timer.fire = leave_trail, .name = (char)('0' + due[i])};
        assert_true(loop_timer_start(loop, &timers[i].timer, due[i] * NS_PER_MS));
    }
    made_up = 4 * NS_PER_MS;
    loop_step(loop, false);
    assert_string_equal(trail, "01234");
    made_up = 100 * NS_PER_MS;
    loop_step(loop, false);
    assert_string_equal(trail, "0123456789");
    assert_false(loop_busy(loop));
    loop_step(loop, false);
    assert_string_equal(trail, "0123456789");
}

static void moves_and_stops(void **state)
{
    (void)state;
    struct named a = {.timer.fire = leave_trail, .name = 'a'}, b = {.timer.fire = leave_trail, .name = 'b'};
    struct named c = {.timer.fire = leave_trail, .name = 'c'};
    clock_override(made_up_now);
    made_up = 0;
    loop_timer_start(loop, &a.timer, 1);
    loop_timer_start(loop, &b.timer, 2);
    loop_timer_start(loop, &c.timer, 3);
    loop_timer_start(loop, &a.timer, 10);
    loop_timer_stop(loop, &b.timer);
    loop_timer_stop(loop, &b.timer);
    made_up = 5;
    loop_step(loop, false);
    assert_string_equal(trail, "c");
    assert_true(loop_busy(loop));
    made_up = 10;
    loop_step(loop, false);
    assert_string_equal(trail, "ca");
    assert_false(loop_busy(loop));
}

/* Many timers, started and stopped at random: those that are left fire in order. */
static void keeps_its_heap(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static struct named timers[MANY];
    static bool running[MANY];
    unsigned seed = 42, left = 0;
    clock_override(made_up_now);
    made_up = 0;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525u + 1013904223u;
        size_t i = (seed >> 8) % MANY;
        if (seed & 64) {
            timers[i].timer.fire = leave_trail;
            loop_timer_start(loop, &timers[i].timer, (seed >> 4) % 1000);
            running[i] = true;
        } else {
            loop_timer_stop(loop, &timers[i].timer);
            running[i] = false;
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        left += running[i];
        timers[i].name = '.';
    }
    unsigned fired = 0;
    for (made_up = 0; made_up < 1000; made_up++) {
        *trail = '\0';
        loop_step(loop, false);
        fired += (unsigned)strlen(trail);
        for (size_t i = 0; i < MANY; i++)
            assert_true(!timers[i].timer.slot || timers[i].timer.due > made_up);
    }
    assert_int_equal(fired, left);
}

static void restart(struct timer *timer)
{
    leave_trail(timer);
    loop_timer_start(loop, timer, clock_now() + (strlen(trail) < 3 ? 0 : 1));
}

static void may_be_restarted_while_firing(void **state)
{
    (void)state;
    struct named again = {.timer.fire = restart, .name = 'r'};
    clock_override(made_up_now);
    made_up = 0;
    loop_timer_start(loop, &again.timer, 0);
    loop_step(loop, false);
    assert_int_equal(strlen(trail), 3);
    loop_timer_stop(loop, &again.timer);
}

static void waits_no_longer_than_a_timer(void **state)
{
    (void)state;
    struct named t = {.timer.fire = leave_trail, .name = 't'};
    int64_t from = clock_now();
    loop_timer_start(loop, &t.timer, from + 30 * NS_PER_MS);
    while (!*trail)
        loop_step(loop, true);
    int64_t took = clock_now() - from;
    assert_true(took >= 30 * NS_PER_MS);
    assert_true(took < 2 * NS_PER_S);
}

struct pipe_watch {
    struct watch watch;
    char bytes[64];
    size_t len;
    short seen;
};

static void read_some(struct watch *watch, short revents)
{
    struct pipe_watch *p = (struct pipe_watch *)watch;
    p->seen |= revents;
    ssize_t n = read(watch->fd, p->bytes + p->len, 1);
    if (n > 0)
        p->len += (size_t)n;
    else
        loop_unwatch(loop, watch);
}

static void watches(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pipe_watch p = {.watch = {.fd = fds[0], .events = POLLIN, .ready = read_some}};
    assert_true(loop_watch(loop, &p.watch));
    assert_true(loop_busy(loop));
    loop_step(loop, false);
    assert_int_equal(p.len, 0);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    loop_step(loop, true);
    loop_step(loop, true);
    assert_int_equal(p.len, 2); /* level-triggered: a byte a step */
    close(fds[1]);
    while (loop_busy(loop))
        loop_step(loop, true);
    assert_memory_equal(p.bytes, "abc", 3);
    assert_true(p.seen & POLLHUP);
    close(fds[0]);
}

static struct pipe_watch many[40];

static void unwatch_all(struct watch *watch, short revents)
{
    (void)watch;
    (void)revents;
    leave_trail(&(struct named){.name = 'w'}.timer);
    for (size_t i = 0; i < COUNT(many); i++)
        loop_unwatch(loop, &many[i].watch);
}

static void may_unwatch_others_while_ready(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i].watch = (struct watch){.fd = fds[0], .events = POLLIN, .ready = unwatch_all};
        assert_true(loop_watch(loop, &many[i].watch));
    }
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_step(loop, true);
    assert_string_equal(trail, "w");
    assert_false(loop_busy(loop));
    close(fds[0]);
    close(fds[1]);
}

static void background_keeps_nothing_alive(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pipe_watch p = {.watch = {.fd = fds[0], .events = POLLIN, .ready = read_some, .background = true}};
    loop_watch(loop, &p.watch);
    assert_false(loop_busy(loop));
    loop_unwatch(loop, &p.watch);
    assert_false(loop_busy(loop));
    close(fds[0]);
    close(fds[1]);
}

static int noted;

static void note(int signo, void *arg)
{
    noted = noted * 100 + signo;
    assert_ptr_equal(arg, &noted);
}

static void reports_signals(void **state)
{
    (void)state;
    loop_catch_signals(loop, note, &noted);
    assert_false(loop_busy(loop));
    raise(SIGTERM);
    assert_int_equal(noted, 0); /* not from within the handler */
    loop_step(loop, true);
    assert_int_equal(noted, SIGTERM);
}

/* In a child, because it ends. Its loop stays reachable, so that it is no leak. */
static struct loop *childs;

static int status_after(void (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void interrupt_twice(void)
{
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGINT);
    raise(SIGINT);
}

static void interrupt_while_ignored(void)
{
    signal(SIGINT, SIG_IGN);
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGINT);
    raise(SIGINT);
    loop_step(childs, false);
    _exit(noted == 0 ? 7 : 8);
}

/* The alarm comes from the test: a second is long. */
static void terminate_while_busy(void)
{
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGTERM);
    if (alarm(0) == 0)
        _exit(1);
    raise(SIGALRM);
    _exit(2);
}

static void interrupt_while_busy(void)
{
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGINT);
    if (alarm(0) == 0)
        _exit(1);
    raise(SIGALRM);
    loop_step(childs, false);
    _exit(noted == SIGINT ? 7 : 8);
}

static void terminate_before_busy(void)
{
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGTERM);
    loop_step(childs, false);
    if (alarm(0) == 0)
        _exit(1);
    raise(SIGALRM);
    _exit(2);
}

static void leave_if_unhurried(struct timer *timer)
{
    (void)timer;
    _exit(alarm(0) == 0 ? 7 : 8);
}

static void terminate_while_waiting(void)
{
    struct timer timer = {.fire = leave_if_unhurried};
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    raise(SIGTERM);
    loop_step(childs, false);
    loop_timer_start(childs, &timer, 0);
    loop_step(childs, true);
}

static void interrupt_at_the_end(void)
{
    childs = loop_new();
    loop_catch_signals(childs, note, &noted);
    loop_free(childs);
    raise(SIGINT); /* on its way out anyway */
    raise(SIGINT);
}

static void sees_to_signals_that_nobody_comes_for(void **state)
{
    (void)state;
    noted = 0;
    assert_int_equal(status_after(terminate_while_busy), 143);
    assert_int_equal(status_after(interrupt_while_busy), 7); /* it only says so */
    assert_int_equal(status_after(terminate_before_busy), 143);
    assert_int_equal(status_after(terminate_while_waiting), 7);
}

static void leaves_on_the_second_interrupt(void **state)
{
    (void)state;
    noted = 0;
    assert_int_equal(status_after(interrupt_twice), 130);
    assert_int_equal(status_after(interrupt_at_the_end), 130);
    assert_int_equal(status_after(interrupt_while_ignored), 7);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(fires_in_order),
        LOOP_TEST(moves_and_stops),
        LOOP_TEST(keeps_its_heap),
        LOOP_TEST(may_be_restarted_while_firing),
        LOOP_TEST(waits_no_longer_than_a_timer),
        LOOP_TEST(watches),
        LOOP_TEST(may_unwatch_others_while_ready),
        LOOP_TEST(background_keeps_nothing_alive),
        LOOP_TEST(reports_signals),
        LOOP_TEST(sees_to_signals_that_nobody_comes_for),
        LOOP_TEST(leaves_on_the_second_interrupt),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
