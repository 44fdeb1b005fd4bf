/* limit: see limit.h. */
#include "limit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define POKE_SIGNAL SIGVTALRM

/* In ns of the CPU clock. */
enum {
    TICK = 10 * 1000 * 1000,
    CLEAN_UP = 100 * 1000 * 1000, /* that code which ran out of memory has for its handlers */
    DRAIN = 250 * 1000 * 1000,    /* that others have to finish what they were at */
    PATIENCE = 700 * 1000 * 1000, /* before the process is ended */
};

struct account {
    struct account *next_made, *next_free;
    int64_t row, used;
    unsigned shares;
    volatile bool interrupted;
};

/* The first thread's own, and its signal handler's. */
static struct {
    struct limits_config config;
    void (*poke)(void *running);
    struct account *made, *free, script, nobody;
    struct account *volatile account, *volatile culprit;
    void *volatile running;
    volatile bool interrupted; /* what is running */
    volatile int64_t entered, begun;
    volatile int64_t culprit_row, stops; /* when what passed the limit is to be stopped */
    char texts[LIMIT_MEMORY + 1][320];
} own;

/* What the watcher looks at. */
static struct {
    pthread_t thread, watched;
    clockid_t clock;
    bool started;
    atomic_bool ends;
    atomic_int reached;         /* enum limit */
    _Atomic int64_t due, since; /* when to look more closely; when the limit was passed */
} watch;

static int64_t time_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t now(void)
{
    return time_of(CLOCK_THREAD_CPUTIME_ID);
}

bool limits_are_watched(void)
{
    return watch.started;
}

enum limit limits_reached(void)
{
    return (enum limit)atomic_load(&watch.reached);
}

int64_t limits_row(void)
{
    return own.culprit_row;
}

static bool is_interrupted(void)
{
    return own.interrupted || limits_interrupted(own.account);
}

const char *limits_message(void)
{
    if (limits_reached() == LIMIT_NONE && is_interrupted())
        return "interrupted";
    return own.texts[limits_reached()];
}

/* ---- the first thread ---- */

static void reach(enum limit limit, int64_t when, int64_t stops)
{
    if (limits_reached() != LIMIT_NONE)
        return;
    own.culprit = own.account;
    own.culprit_row = own.account ? own.account->row : 0;
    own.stops = stops;
    atomic_store(&watch.since, when);
    atomic_store(&watch.reached, limit);
    atomic_store(&watch.due, stops);
}

/* When the account, or everything, will have used up its time, if nothing else runs. */
static int64_t due_after(const struct account *account, int64_t entered)
{
    int64_t due = INT64_MAX;
    if (own.config.cpu_total)
        due = own.begun + own.config.cpu_total;
    if (account && own.config.cpu && entered + own.config.cpu - account->used < due)
        due = entered + own.config.cpu - account->used;
    return due;
}

bool limits_must_stop(void)
{
    if (is_interrupted())
        return true;
    if (limits_reached() == LIMIT_NONE)
        return false;
    int64_t at = own.account == own.culprit ? own.stops : own.stops + DRAIN;
    return now() >= at;
}

/* The watcher may have looked while one account came after another: what counts is what is found here. */
static void on_poke(int signo)
{
    int saved = errno;
    (void)signo;
    if (!pthread_equal(pthread_self(), watch.watched)) /* the watcher, which is to wake up */
        return;
    int64_t time = now();
    const struct account *account = own.account;
    if (limits_reached() == LIMIT_NONE && own.running && time >= due_after(account, own.entered)) {
        bool in_all = own.config.cpu_total && time >= own.begun + own.config.cpu_total;
        reach(in_all ? LIMIT_CPU_TOTAL : LIMIT_CPU, time, time);
    }
    if (own.running && limits_must_stop())
        own.poke(own.running);
    errno = saved;
}

void limits_interrupt(struct account *account)
{
    account->interrupted = true;
    if (own.account == account && own.running)
        own.poke(own.running);
}

bool limits_interrupt_running(void)
{
    if (!own.running || !own.poke || own.interrupted)
        return false;
    own.interrupted = true;
    own.poke(own.running);
    return true;
}

bool limits_interrupted(const struct account *account)
{
    return account && account->interrupted;
}

struct account *limits_running(void)
{
    return own.account;
}

void limits_out_of_memory(void)
{
    int64_t time = now();
    reach(LIMIT_MEMORY, time, time + CLEAN_UP);
}

void limits_enter(struct account *account, void *running)
{
    own.running = running;
    if (!watch.started)
        return;
    own.entered = now();
    own.account = account;
    if (limits_reached() == LIMIT_NONE)
        atomic_store(&watch.due, due_after(account, own.entered));
    if (limits_must_stop())
        own.poke(running);
}

void limits_leave(void)
{
    own.running = NULL;
    own.interrupted = false;
    if (!watch.started)
        return;
    if (own.account)
        own.account->used += now() - own.entered;
    own.account = NULL;
}

void *limits_switch(void *running)
{
    void *before = own.running;
    own.running = running;
    if (limits_must_stop())
        own.poke(running);
    return before;
}

/* ---- accounts ---- */

struct account *limits_open(int64_t row)
{
    if (!watch.started)
        return NULL;
    struct account *account = own.free;
    if (account) {
        own.free = account->next_free;
    } else {
        if (!(account = malloc(sizeof *account)))
            return NULL;
        account->next_made = own.made;
        own.made = account;
    }
    account->row = row;
    account->used = 0;
    account->interrupted = false;
    account->shares = 1;
    return account;
}

struct account *limits_share(struct account *account)
{
    if (account)
        account->shares++;
    return account;
}

void limits_close(struct account *account)
{
    if (!account || account == &own.script || --account->shares > 0)
        return;
    if (account == own.culprit)
        own.culprit = &own.nobody; /* its row has been dealt with */
    account->next_free = own.free;
    own.free = account;
}

struct account *limits_script(void)
{
    return watch.started ? &own.script : NULL;
}

/* ---- the watcher ---- */

/* What the first thread holds cannot be waited for. */
static void flush_output(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) > 0 && ftrylockfile(stdout) == 0)
        fflush(stdout);
}

static void end_process(void)
{
    char text[sizeof *own.texts + 200], row[32] = "";
    if (own.culprit_row)
        snprintf(row, sizeof row, "row %lld: ", (long long)own.culprit_row);
    snprintf(text, sizeof text,
             "%s%s. It did not stop by itself, so the process ends here; the journal of a batch is whole, and moonkey resume "
             "goes on",
             row, limits_message());
    log_from_handler(LOG_ERROR, text);
    flush_output();
    _exit(STOPPED_BY_LIMIT);
}

static void *watcher(void *arg)
{
    const struct timespec tick = {.tv_nsec = TICK};
    (void)arg;
    while (!atomic_load(&watch.ends)) {
        int64_t time = time_of(watch.clock);
        if (limits_reached() != LIMIT_NONE && time - atomic_load(&watch.since) > PATIENCE)
            end_process();
        if (time >= atomic_load(&watch.due))
            pthread_kill(watch.watched, POKE_SIGNAL);
        clock_nanosleep(watch.clock, 0, &tick, NULL);
    }
    return NULL;
}

static void write_texts(const struct limits_config *c)
{
    snprintf(own.texts[LIMIT_CPU], sizeof *own.texts,
             "stopped: it took more than the %g s of processor time that --max-cpu permits; look for a loop that does not end, "
             "or raise --max-cpu",
             (double)c->cpu / (double)NS_PER_S);
    snprintf(own.texts[LIMIT_CPU_TOTAL], sizeof *own.texts,
             "stopped: all together took more than the %g s of processor time that --max-cpu-total permits; raise "
             "--max-cpu-total if there is that much to do",
             (double)c->cpu_total / (double)NS_PER_S);
    snprintf(own.texts[LIMIT_MEMORY], sizeof *own.texts,
             "stopped: not enough memory: it needs more than the %g MiB that --max-memory permits; keep less at a time, or "
             "raise --max-memory",
             (double)c->memory / (1 << 20));
}

/* Signals are for the first thread, but the one that wakes the watcher. */
static int start_watcher(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, POKE_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watch.thread, NULL, watcher, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void limits_stop_by(void (*poke)(void *running))
{
    own.poke = poke;
}

int limits_begin(const struct limits_config *config)
{
    own.config = *config;
    own.culprit = &own.nobody;
    own.begun = now();
    write_texts(config);
    watch.watched = pthread_self();
    atomic_store(&watch.due, INT64_MAX);
    int error = pthread_getcpuclockid(watch.watched, &watch.clock);
    if (!error && sigaction(POKE_SIGNAL, &(struct sigaction){.sa_handler = on_poke, .sa_flags = SA_RESTART}, NULL) != 0)
        error = errno;
    if (!error)
        error = start_watcher();
    watch.started = error == 0;
    return error;
}

void limits_end(void)
{
    if (!watch.started)
        return;
    atomic_store(&watch.ends, true);
    while (pthread_tryjoin_np(watch.thread, NULL) == EBUSY) { /* it sleeps for as long as this thread does nothing */
        pthread_kill(watch.thread, POKE_SIGNAL);
        usleep(500);
    }
    watch.started = false;
    while (own.made) {
        struct account *account = own.made;
        own.made = account->next_made;
        free(account);
    }
    own.free = NULL;
}
