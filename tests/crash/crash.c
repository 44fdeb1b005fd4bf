/*
 * crash: a library for LD_PRELOAD under which a program dies, or its disk fails, at a chosen step of its work on some files.
 *
 *   CRASH_UNDER=DIR       the files that count are those below this directory (a real path), and it
 *   CRASH_AT=S/F/N/HOW    SIGKILL at the Nth step S on a file of kind F, from 1. HOW: `before` it; `after` it; `half`: a write
 *                         writes half of what it should; `power`: before it, and everything that no sync has made last is lost
 *                         (the half of it, where CRASH_SEED is odd)
 *   CRASH_FAIL=E/S/F/N    from the Nth such step on, all of them fail with the error E (ENOSPC, EDQUOT, EIO, EROFS, EACCES);
 *                         N with a `b`: from the Nth byte on that was to be written. S and F may be `any`
 *   CRASH_SWITCH=FILE     CRASH_FAIL holds only while there is such a file
 *   CRASH_TRACE=FILE      gets a line `S/F/N` with each step
 *
 * Steps: open (for writing), write, sync, truncate, unlink, rename, link, mkdir. Kinds, by the name: journal, wal, shm,
 * rollback (these four of SQLite), directory, file (any other).
 *
 * All goes straight to the kernel, so that it can stand in front of a sanitizer (ASAN_OPTIONS=verify_asan_link_order=0).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "power.h"

#define EXPORT __attribute__((visibility("default")))

enum step { OPEN, WRITE, SYNC, TRUNCATE, UNLINK, RENAME, LINK, MKDIR, STEPS, ANY_STEP = STEPS };
enum kind { JOURNAL, WAL, SHM, ROLLBACK, DIRECTORY, OTHER, KINDS, ANY_KIND = KINDS, NOT_OURS };
enum how { BEFORE, AFTER, HALF, POWER };

static const char *const step_names[] = {"open", "write", "sync", "truncate", "unlink", "rename", "link", "mkdir", "any", NULL};
static const char *const kind_names[] = {"journal", "wal", "shm", "rollback", "directory", "file", "any", NULL};
static const char *const how_names[] = {"before", "after", "half", "power", NULL};
static const char *const error_names[] = {"ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", NULL};
static const int errors[] = {ENOSPC, EDQUOT, EIO, EROFS, EACCES};

static char under[PATH_MAX];
static size_t under_len;
static const char *trace, *switch_file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    int step, kind;
    unsigned long at, seen[STEPS][KINDS];
    int how;
} death;

static struct {
    int error, step, kind;
    bool bytes;
    unsigned long from, seen;
} fault;

static unsigned long seed;
static bool keeps; /* does it matter what no sync has made last? */

/* ---- orders ---- */

static int index_of(const char *const names[], const char *word)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    fprintf(stderr, "crash: there is no \"%s\"\n", word);
    abort();
}

static void cut(const char *order, char words[4][20])
{
    if (sscanf(order, "%19[^/]/%19[^/]/%19[^/]/%19[^/]", words[0], words[1], words[2], words[3]) != 4) {
        fprintf(stderr, "crash: \"%s\" has not four words\n", order);
        abort();
    }
}

__attribute__((constructor)) static void read_orders(void)
{
    const char *at = getenv("CRASH_AT"), *fail = getenv("CRASH_FAIL"), *dir = getenv("CRASH_UNDER"), *s = getenv("CRASH_SEED");
    char words[4][20];
    snprintf(under, sizeof under, "%s", dir ? dir : "");
    under_len = strlen(under);
    trace = getenv("CRASH_TRACE");
    switch_file = getenv("CRASH_SWITCH");
    seed = s ? strtoul(s, NULL, 10) : 0;
    if (at) {
        cut(at, words);
        death.step = index_of(step_names, words[0]);
        death.kind = index_of(kind_names, words[1]);
        death.at = strtoul(words[2], NULL, 10);
        death.how = index_of(how_names, words[3]);
        keeps = death.how == POWER;
    }
    if (fail) {
        cut(fail, words);
        fault.error = errors[index_of(error_names, words[0])];
        fault.step = index_of(step_names, words[1]);
        fault.kind = index_of(kind_names, words[2]);
        fault.bytes = strchr(words[3], 'b') != NULL;
        fault.from = strtoul(words[3], NULL, 10);
    }
}

/* ---- files ---- */

static bool ends(const char *path, const char *end)
{
    size_t len = strlen(path), n = strlen(end);
    return len >= n && strcmp(path + len - n, end) == 0;
}

static enum kind kind_of_path(const char *path)
{
    if (under_len == 0 || strncmp(path, under, under_len) != 0 || (path[under_len] != '/' && path[under_len] != '\0'))
        return NOT_OURS;
    struct stat st;
    if (path[under_len] == '\0' || (syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && S_ISDIR(st.st_mode)))
        return DIRECTORY;
    return ends(path, "-wal")       ? WAL
           : ends(path, "-shm")     ? SHM
           : ends(path, "-journal") ? ROLLBACK
           : ends(path, ".journal") ? JOURNAL
                                    : OTHER;
}

/* `full` gets the absolute path. */
static enum kind kind_of_name(const char *name, char full[PATH_MAX])
{
    size_t len = 0;
    if (name[0] != '/') {
        long n = syscall(SYS_getcwd, full, PATH_MAX);
        len = n > 0 ? (size_t)n - 1 : 0;
        full[len++] = '/';
    }
    snprintf(full + len, PATH_MAX - len, "%s", name);
    return kind_of_path(full);
}

static enum kind kind_of_fd(int fd, char full[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlink, link, full, PATH_MAX - 1);
    if (n < 0)
        return NOT_OURS;
    full[n] = '\0';
    return kind_of_path(full);
}

/* ---- steps ---- */

static void note(enum step step, enum kind kind, unsigned long number, const char *more)
{
    char line[80];
    int len = snprintf(line, sizeof line, "%s/%s/%lu%s\n", step_names[step], kind_names[kind], number, more);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    syscall(SYS_write, fd, line, len);
    syscall(SYS_close, fd);
}

static _Noreturn void die(void)
{
    for (;;)
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

/* Does it fail? */
static bool fails(enum step step, enum kind kind, size_t bytes)
{
    if (!fault.error || (fault.step != ANY_STEP && fault.step != (int)step) ||
        (fault.kind != ANY_KIND && fault.kind != (int)kind))
        return false;
    fault.seen += fault.bytes ? bytes : 1;
    if (switch_file && syscall(SYS_access, switch_file, F_OK) != 0)
        return false;
    return fault.seen >= fault.from;
}

enum verdict { GO_ON, FAIL, DIE_AFTER, DIE_HALFWAY };

/* Count a step. FAIL: errno is set. */
static enum verdict meet(enum step step, enum kind kind, size_t bytes)
{
    if (kind == NOT_OURS)
        return GO_ON;
    enum verdict verdict = GO_ON;
    pthread_mutex_lock(&lock);
    unsigned long number = ++death.seen[step][kind];
    bool now = death.at == number && death.step == (int)step && death.kind == (int)kind;
    bool failing = fails(step, kind, bytes);
    if (trace)
        note(step, kind, number, now ? " dies" : failing ? " fails" : "");
    if (now && death.how == POWER)
        power_cut(seed);
    if (now && (death.how == BEFORE || death.how == POWER))
        die();
    if (now)
        verdict = death.how == HALF && step == WRITE ? DIE_HALFWAY : DIE_AFTER;
    else if (failing)
        verdict = FAIL;
    pthread_mutex_unlock(&lock);
    if (verdict == FAIL)
        errno = fault.error;
    return verdict;
}

static long finish(enum verdict verdict, long result)
{
    if (verdict == DIE_AFTER || verdict == DIE_HALFWAY)
        die();
    return result;
}

/* ---- what the program calls ---- */

static int open_file(int at, const char *name, int flags, mode_t mode)
{
    char full[PATH_MAX];
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    enum kind kind = writes && (at == AT_FDCWD || name[0] == '/') ? kind_of_name(name, full) : NOT_OURS;
    bool creates = keeps && kind != NOT_OURS && (flags & O_CREAT) && syscall(SYS_access, full, F_OK) != 0;
    enum verdict verdict = meet(OPEN, kind, 0);
    if (verdict == FAIL)
        return -1;
    int fd = (int)finish(verdict, syscall(SYS_openat, at, name, flags, mode));
    if (creates && fd >= 0)
        power_note_file(full);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_file(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int at, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_file(at, path, flags, mode);
}

/* offset -1: where the file stands */
static ssize_t write_file(int fd, const void *data, size_t len, off_t offset)
{
    char path[PATH_MAX];
    enum kind kind = kind_of_fd(fd, path);
    bool at_offset = offset >= 0;
    if (keeps && kind != NOT_OURS && kind != SHM)
        power_note_write(fd, path, at_offset ? offset : syscall(SYS_lseek, fd, 0, SEEK_CUR), len);
    enum verdict verdict = meet(WRITE, kind, len);
    if (verdict == FAIL)
        return -1;
    if (verdict == DIE_HALFWAY)
        len /= 2;
    return finish(verdict, at_offset ? syscall(SYS_pwrite64, fd, data, len, offset) : syscall(SYS_write, fd, data, len));
}

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
    return write_file(fd, data, len, -1);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return write_file(fd, data, len, offset);
}

/* Lua's files; stdio calls its own write(). They are unbuffered, so what is written is written here. */
EXPORT size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    char path[PATH_MAX];
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fwrite");
    enum verdict verdict = under_len > 0 ? meet(WRITE, kind_of_fd(fileno(stream), path), size * count) : GO_ON;
    if (verdict == FAIL)
        return 0;
    size_t done = verdict == DIE_HALFWAY ? real(data, 1, size * count / 2, stream) : real(data, size, count, stream);
    if (verdict != GO_ON)
        fflush(stream);
    return (size_t)finish(verdict, (long)done);
}

static int sync_file(long call, int fd)
{
    char path[PATH_MAX];
    enum kind kind = kind_of_fd(fd, path);
    enum verdict verdict = meet(SYNC, kind, 0);
    if (verdict == FAIL)
        return -1;
    int result = (int)syscall(call, fd);
    if (keeps && kind != NOT_OURS)
        power_note_sync(path, kind == DIRECTORY);
    return (int)finish(verdict, result);
}

EXPORT int fsync(int fd)
{
    return sync_file(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_file(SYS_fdatasync, fd);
}

EXPORT int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    enum verdict verdict = meet(TRUNCATE, kind_of_fd(fd, path), 0);
    return verdict == FAIL ? -1 : (int)finish(verdict, syscall(SYS_ftruncate, fd, size));
}

EXPORT int unlink(const char *path)
{
    char full[PATH_MAX];
    enum kind kind = kind_of_name(path, full);
    enum verdict verdict = meet(UNLINK, kind, 0);
    if (keeps && kind != NOT_OURS && verdict != FAIL)
        power_note_unlink(full);
    return verdict == FAIL ? -1 : (int)finish(verdict, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

EXPORT int rename(const char *from, const char *to)
{
    char full[PATH_MAX];
    enum verdict verdict = meet(RENAME, kind_of_name(to, full), 0);
    return verdict == FAIL ? -1 : (int)finish(verdict, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

EXPORT int link(const char *from, const char *to)
{
    char full[PATH_MAX];
    enum kind kind = kind_of_name(to, full);
    enum verdict verdict = meet(LINK, kind, 0);
    if (verdict == FAIL)
        return -1;
    int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (keeps && kind != NOT_OURS && result == 0)
        power_note_file(full);
    return (int)finish(verdict, result);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    char full[PATH_MAX];
    enum kind kind = kind_of_name(path, full);
    enum verdict verdict = meet(MKDIR, kind == NOT_OURS ? kind : DIRECTORY, 0);
    return verdict == FAIL ? -1 : (int)finish(verdict, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

/* The same by the names that programs use which were built for large files. */
#define ALIAS(name) EXPORT __attribute__((alias(#name)))
ALIAS(open) int open64(const char *path, int flags, ...);
ALIAS(openat) int openat64(int at, const char *path, int flags, ...);
ALIAS(pwrite) ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset);
ALIAS(ftruncate) int ftruncate64(int fd, off64_t size);
