/* sqlite_lock: see sqlite_lock.h. */
#include "sqlite_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Those that this process holds. Such a file is not opened a second time but by SQLite, because any close of it drops SQLite's
 * own locks (fcntl(2)): another program could then take the write-ahead log away from under us.
 */
static struct sqlite_lock *held;

static bool is_held_here(const char *path)
{
    struct stat st;
    if (!held || stat(path, &st) != 0)
        return false;
    for (const struct sqlite_lock *lock = held; lock; lock = lock->next)
        if (lock->dev == st.st_dev && lock->ino == st.st_ino)
            return true;
    return false;
}

int sqlite_lock_take(struct sqlite_lock *lock, const char *path)
{
    struct stat st;
    lock->fd = -1;
    if (is_held_here(path))
        return EWOULDBLOCK;
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->fd < 0 || flock(lock->fd, LOCK_EX | LOCK_NB) != 0 || fstat(lock->fd, &st) != 0)
        return errno;
    if (st.st_nlink == 0) /* whoever had it has removed it meanwhile */
        return ENOENT;
    lock->dev = st.st_dev;
    lock->ino = st.st_ino;
    lock->next = held;
    held = lock;
    return 0;
}

/* The database first: without its log, it would be another one. */
static int remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[PATH_MAX];
        if (snprintf(name, sizeof name, "%s%s", path, ends[i]) >= (int)sizeof name)
            return ENAMETOOLONG;
        if (unlink(name) != 0 && (i == 0 || errno != ENOENT))
            return errno;
    }
    return 0;
}

int sqlite_lock_remove(const char *path)
{
    struct stat st;
    struct sqlite_lock lock;
    if (stat(path, &st) != 0)
        return errno;
    int failed = sqlite_lock_take(&lock, path);
    if (!failed)
        failed = remove_files(path);
    sqlite_lock_release(&lock);
    return failed;
}

void sqlite_lock_release(struct sqlite_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
    for (struct sqlite_lock **p = &held; *p; p = &(*p)->next)
        if (*p == lock) {
            *p = lock->next;
            break;
        }
}

bool sqlite_lock_is_held(const char *path)
{
    if (is_held_here(path))
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_held;
}
