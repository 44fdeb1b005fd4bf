/*
 * world: a different world for one program, by LD_PRELOAD=libworld.so: for tests that would take minutes, or that need names
 * which no resolver knows.
 *
 *   WORLD_CLOCK=N       the monotonic clocks run N times as fast, and every wait ends N times as soon. Wall time stays.
 *   WORLD_DATE=S        wall time is S seconds later, or -S earlier, than it is.
 *   WORLD_DNS=LIST      what names stand for: "api.test=127.0.0.1,slow.test=slow:5000:127.0.0.1,none.test=none", that is: an
 *                       address, an address after 5000 real ms, and no such name. Other names are looked up as ever.
 *   WORLD_LOOKUPS=FILE  gets a line with the name when a lookup begins
 *
 * Clocks and waits go straight to the kernel: sanitizers use them before there is a libc to be asked for the real ones. Built
 * without sanitizers, so that it can be loaded in front of theirs (ASAN_OPTIONS=verify_asan_link_order=0), and under valgrind.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, KERNEL_SIGSET = 8 /* bytes */ };

static int64_t pace = 1, began, later; /* until begin() has run, the world is as it is */
static const char *names, *lookups;

static struct timespec from_ns(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

static int64_t to_ns(const struct timespec *t)
{
    return t->tv_sec * (int64_t)NS_PER_S + t->tv_nsec;
}

static int64_t real_now(clockid_t id)
{
    struct timespec t = {0};
    syscall(SYS_clock_gettime, id, &t);
    return to_ns(&t);
}

__attribute__((constructor)) static void begin(void)
{
    const char *clock = getenv("WORLD_CLOCK"), *date = getenv("WORLD_DATE");
    began = real_now(CLOCK_MONOTONIC);
    pace = clock && atoi(clock) > 0 ? atoi(clock) : 1;
    later = date ? atol(date) * INT64_C(1000000000) : 0;
    names = getenv("WORLD_DNS");
    lookups = getenv("WORLD_LOOKUPS");
}

/* ---- time ---- */

/* How long to wait really. Rounded up, so that no wait ends before its time. */
static struct timespec shortened(int64_t ns)
{
    return from_ns((ns + pace - 1) / pace);
}

EXPORT int clock_gettime(clockid_t id, struct timespec *t)
{
    if (syscall(SYS_clock_gettime, id, t) != 0)
        return -1;
    if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME)
        *t = from_ns(began + (to_ns(t) - began) * pace);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        *t = from_ns(to_ns(t) + later);
    return 0;
}

EXPORT time_t time(time_t *stored)
{
    time_t now = (real_now(CLOCK_REALTIME) + later) / NS_PER_S;
    if (stored)
        *stored = now;
    return now;
}

EXPORT int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    (void)zone;
    int64_t now = real_now(CLOCK_REALTIME) + later;
    *t = (struct timeval){.tv_sec = now / NS_PER_S, .tv_usec = now % NS_PER_S / NS_PER_US};
    return 0;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec t = timeout ? shortened(to_ns(timeout)) : (struct timespec){0};
    return (int)syscall(SYS_ppoll, fds, count, timeout ? &t : NULL, mask, KERNEL_SIGSET);
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int ms)
{
    struct timespec t = from_ns(ms * INT64_C(1000000));
    return ppoll(fds, count, ms < 0 ? NULL : &t, NULL);
}

EXPORT int select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout)
{
    struct timespec t =
        timeout ? shortened(timeout->tv_sec * (int64_t)NS_PER_S + timeout->tv_usec * INT64_C(1000)) : (struct timespec){0};
    return (int)syscall(SYS_pselect6, count, readable, writable, exceptional, timeout ? &t : NULL, NULL);
}

EXPORT int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    struct timespec t = shortened(to_ns(wanted));
    return (int)syscall(SYS_nanosleep, &t, left);
}

EXPORT int usleep(useconds_t us)
{
    struct timespec t = from_ns(us * INT64_C(1000));
    return nanosleep(&t, NULL);
}

/* For conditions that go by wall time, as they do unless told otherwise. */
EXPORT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    int64_t now = real_now(CLOCK_REALTIME), left = to_ns(until) - later - now;
    struct timespec t = from_ns(now + (left > 0 ? (left + pace - 1) / pace : 0));
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &t);
}

/* ---- names ---- */

static bool answer_for(const char *name, char *answer, size_t size)
{
    size_t len = strlen(name);
    for (const char *entry = names; entry; entry = strchr(entry, ',')) {
        entry += *entry == ',';
        if (strncmp(entry, name, len) != 0 || entry[len] != '=')
            continue;
        const char *value = entry + len + 1;
        snprintf(answer, size, "%.*s", (int)strcspn(value, ","), value);
        return true;
    }
    return false;
}

static void note(const char *name)
{
    char line[300];
    int len = snprintf(line, sizeof line, "%.250s\n", name);
    int fd = lookups ? open(lookups, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    ssize_t ignored = write(fd, line, (size_t)len);
    (void)ignored;
    close(fd);
}

EXPORT int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    char answer[100];
    if (name && lookups)
        note(name);
    if (!name || !answer_for(name, answer, sizeof answer))
        return real(name, service, hints, found);
    if (strcmp(answer, "none") == 0)
        return EAI_NONAME;
    char *address = answer;
    if (strncmp(answer, "slow:", 5) == 0) {
        struct timespec t = from_ns(strtol(answer + 5, &address, 10) * INT64_C(1000000));
        syscall(SYS_nanosleep, &t, NULL);
        address++;
    }
    return real(address, service, hints, found);
}
