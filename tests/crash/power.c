/* power: see power.h. Straight to the kernel, because the names of libc are those of crash.c. */
#include "power.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What no sync has made last yet: writes with what they replaced, and new files; newest first. */
static struct unsynced {
    struct unsynced *older;
    char path[PATH_MAX];
    bool created;
    off_t offset, size; /* size: of the file, before */
    size_t len, kept;   /* kept: bytes of `old` */
    char old[];
} * unsynced;

void power_note_write(int fd, const char *path, off_t offset, size_t len)
{
    struct stat st;
    struct unsynced *u = malloc(sizeof *u + len);
    if (!u || syscall(SYS_fstat, fd, &st) != 0)
        abort();
    *u = (struct unsynced){.older = unsynced, .offset = offset, .size = st.st_size, .len = len};
    snprintf(u->path, sizeof u->path, "%s", path);
    long n = offset < st.st_size ? syscall(SYS_pread64, fd, u->old, len, offset) : 0;
    if (n < 0) { /* it is open for writing only */
        int again = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        n = syscall(SYS_pread64, again, u->old, len, offset);
        syscall(SYS_close, again);
    }
    u->kept = n > 0 ? (size_t)n : 0;
    unsynced = u;
}

void power_note_file(const char *path)
{
    struct unsynced *u = calloc(1, sizeof *u);
    if (!u)
        abort();
    u->older = unsynced;
    u->created = true;
    snprintf(u->path, sizeof u->path, "%s", path);
    unsynced = u;
}

static bool is_within(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    return strncmp(path, directory, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
}

static void forget(bool (*matches)(const struct unsynced *, const char *), const char *path)
{
    for (struct unsynced **at = &unsynced; *at;) {
        struct unsynced *u = *at;
        if (matches(u, path)) {
            *at = u->older;
            free(u);
        } else {
            at = &u->older;
        }
    }
}

static bool is_name_in(const struct unsynced *u, const char *directory)
{
    return u->created && is_within(u->path, directory);
}

static bool is_write_to(const struct unsynced *u, const char *path)
{
    return !u->created && strcmp(u->path, path) == 0;
}

static bool is_about(const struct unsynced *u, const char *path)
{
    return strcmp(u->path, path) == 0;
}

void power_note_sync(const char *path, bool is_directory)
{
    forget(is_directory ? is_name_in : is_write_to, path);
}

void power_note_unlink(const char *path)
{
    forget(is_about, path);
}

static void undo(const struct unsynced *u, bool all)
{
    static const char zeros[65536];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, u->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    syscall(SYS_pwrite64, fd, u->old, u->kept, u->offset);
    if (all)
        syscall(SYS_ftruncate, fd, u->size);
    else if (u->len > u->kept)
        syscall(SYS_pwrite64, fd, zeros, u->len - u->kept < sizeof zeros ? u->len - u->kept : sizeof zeros,
                u->offset + (off_t)u->kept);
    syscall(SYS_close, fd);
}

void power_cut(unsigned long seed)
{
    bool all = seed % 2 == 0;
    for (const struct unsynced *u = unsynced; u; u = u->older) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (!all && (seed >> 40) % 2)
            continue;
        if (u->created)
            syscall(SYS_unlink, u->path);
        else
            undo(u, all);
    }
}
