/* task_inside: what task.c, the life of tasks, and task_wait.c, their waits, know of each other; nobody else includes this. */
#ifndef MOONKEY_TASK_INSIDE_H
#define MOONKEY_TASK_INSIDE_H

#include "task.h"

enum task_state { READY, RUNNING, WAITING, SUCCEEDED, FAILED };

struct task {
    lua_State *co;
    enum task_state state;
    int nargs;         /* for its next resume */
    unsigned pinned;   /* coroutines around the innermost one that cannot pass a yield on */
    struct task *next; /* in the ready queue, then in the list of failures */
    struct join *joins;
    struct task_calls calls;
    struct account *inherited, *account; /* who pays for it: the task that started it, or the row that it works on */
};

struct scheduler {
    struct loop *loop;
    struct task *running, *first_ready, *last_ready;
    struct task *failures; /* not yet joined, latest first */
    struct park waits;     /* head of the ring of all waits */
    unsigned alive;
    int signo;
    bool cancelling, reports_at_once;
    void (*on_limit)(void);
};

/* There is one in a process. */
extern struct scheduler sched;

/* At the end of the ready queue. */
void task_make_ready(struct task *task);

#endif
