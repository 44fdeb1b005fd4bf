/* sqlite_lock: who works on a database file: at most one in all processes. */
#ifndef MOONKEY_LIB_SQLITE_LOCK_H
#define MOONKEY_LIB_SQLITE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

struct sqlite_lock {
    int fd; /* -1 where it is not held */
    dev_t dev;
    ino_t ino;
    struct sqlite_lock *next;
};

/*
 * Hold the file, which is made where there is none, until its end however it comes. 0, or an errno; EWOULDBLOCK: somebody has
 * it. In any case sqlite_lock_release() has to follow.
 */
int sqlite_lock_take(struct sqlite_lock *lock, const char *path);

/*
 * Remove the file, with what SQLite has beside it, unless somebody holds it. 0, or an errno. Whoever waits for it finds that it
 * is gone.
 */
int sqlite_lock_remove(const char *path);

/* Only once SQLite has closed the file. A second time does nothing. */
void sqlite_lock_release(struct sqlite_lock *lock);

/* Does somebody hold the file? To ask closes it, so not while it is open in this process without a lock. */
bool sqlite_lock_is_held(const char *path);

#endif
