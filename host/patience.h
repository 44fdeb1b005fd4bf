/*
 * patience: how long a server waits for those who have connected.
 *
 * A caller has a fixed time to send a whole request, and then to take the whole reply; a connection on which neither happens,
 * however busily it trickles, is shut down, which its owner sees as its end. While the server itself is thinking, no time runs.
 */
#ifndef MOONKEY_PATIENCE_H
#define MOONKEY_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

/* Embedded in what belongs to the connection; zero, but for fd, at first. */
struct caller {
    int fd;
    int64_t since; /* clock_now() */
    struct caller *prev, *next;
    bool waited_for;
};

struct patience {
    struct loop *loop;
    struct timer timer;
    int64_t limit;               /* ns; 0: no end */
    struct caller *first, *last; /* those who are waited for, the longest first */
};

void patience_init(struct patience *p, struct loop *loop, int64_t limit);
void patience_end(struct patience *p);

/* It is the caller's turn, from now on. */
void patience_begin(struct patience *p, struct caller *c);
/* It is not, or the caller has gone. */
void patience_stop(struct patience *p, struct caller *c);

/* Has the other side closed its connection, or at least its half? */
bool patience_has_left(int fd);

#endif
