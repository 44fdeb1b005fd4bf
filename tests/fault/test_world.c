/* world.c does what it says. Run with it preloaded, and WORLD_CLOCK, WORLD_DATE, WORLD_DNS and WORLD_LOOKUPS as
 * tests/CMakeLists.txt sets them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static double seconds(struct timespec t)
{
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double world_time(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return seconds(t);
}

static double real_time(void)
{
    struct timespec t;
    assert_int_equal(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t), 0);
    return seconds(t);
}

/* ---- each of these waits for four seconds ---- */

static void by_poll(void)
{
    assert_int_equal(poll(NULL, 0, 4 * 1000), 0);
}

static void by_ppoll(void)
{
    assert_int_equal(ppoll(NULL, 0, &(struct timespec){.tv_sec = 4}, NULL), 0);
}

static void by_select(void)
{
    assert_int_equal(select(0, NULL, NULL, NULL, &(struct timeval){.tv_sec = 4}), 0);
}

static void by_nanosleep(void)
{
    assert_int_equal(nanosleep(&(struct timespec){.tv_sec = 4}, NULL), 0);
}

static void by_usleep(void)
{
    assert_int_equal(usleep(4 * 1000 * 1000), 0);
}

static void by_condition(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 4;
    pthread_mutex_lock(&mutex);
    assert_int_equal(pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static void test_waits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*wait)(void);
    } cases[] = {
        {"poll", by_poll},           {"ppoll", by_ppoll},   {"select", by_select},
        {"nanosleep", by_nanosleep}, {"usleep", by_usleep}, {"pthread_cond_timedwait", by_condition},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        double world = world_time(), real = real_time();
        cases[i].wait();
        assert_true(world_time() - world >= 3.99); /* wall time, which the last one goes by, is adjusted now and then */
        assert_true(real_time() - real < 3);
    }
}

static void test_poll_without_end(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&p, 1, -1), 1);
    assert_int_equal(p.revents, POLLIN);
    close(ends[0]);
    close(ends[1]);
}

static void test_wall_time(void **state)
{
    (void)state;
    struct timespec wall, real;
    struct timeval day;
    clock_gettime(CLOCK_REALTIME, &wall);
    gettimeofday(&day, NULL);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    assert_true(labs((long)(wall.tv_sec - real.tv_sec - atol(getenv("WORLD_DATE")))) <= 1);
    assert_true(labs((long)(wall.tv_sec - time(NULL))) <= 1);
    assert_true(labs((long)(wall.tv_sec - day.tv_sec)) <= 1);
}

static void assert_loopback(const char *name)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char text[INET_ADDRSTRLEN];
    assert_int_equal(getaddrinfo(name, "443", &hints, &found), 0);
    const struct sockaddr_in *address = (const struct sockaddr_in *)(void *)found->ai_addr;
    assert_string_equal(inet_ntop(AF_INET, &address->sin_addr, text, sizeof text), "127.0.0.1");
    assert_int_equal(ntohs(address->sin_port), 443);
    freeaddrinfo(found);
}

static void test_names(void **state)
{
    (void)state;
    struct addrinfo *found;
    assert_loopback("api.test");
    assert_loopback("localhost"); /* not in the list */
    assert_int_equal(getaddrinfo("none.test", NULL, NULL, &found), EAI_NONAME);
    double real = real_time();
    assert_loopback("slow.test");
    assert_true(real_time() - real >= 0.3);
}

static void test_lookups(void **state)
{
    (void)state;
    char text[200] = "";
    const char *path = getenv("WORLD_LOOKUPS");
    assert_non_null(path);
    unlink(path);
    assert_loopback("api.test");
    assert_loopback("api.test");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), strlen("api.test\n") * 2);
    assert_string_equal(text, "api.test\napi.test\n");
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits), cmocka_unit_test(test_poll_without_end), cmocka_unit_test(test_wall_time),
        cmocka_unit_test(test_names), cmocka_unit_test(test_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
