/* patience: see patience.h. The time is the same for all, so the list in order of beginning is in order of ending. */
#include "patience.h"

#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

#include "clock.h"

static void await_first(struct patience *p)
{
    if (p->first && !p->timer.slot)
        loop_timer_start(p->loop, &p->timer, p->first->since + p->limit);
}

static void on_timer(struct timer *timer)
{
    struct patience *p = (struct patience *)(void *)((char *)timer - offsetof(struct patience, timer));
    int64_t now = clock_now();

    while (p->first && p->first->since + p->limit <= now) {
        shutdown(p->first->fd, SHUT_RDWR);
        patience_stop(p, p->first);
    }
    await_first(p);
}

void patience_init(struct patience *p, struct loop *loop, int64_t limit)
{
    *p = (struct patience){.loop = loop, .timer.fire = on_timer, .limit = limit};
}

void patience_end(struct patience *p)
{
    while (p->first)
        patience_stop(p, p->first);
    loop_timer_stop(p->loop, &p->timer);
}

void patience_begin(struct patience *p, struct caller *c)
{
    if (!p->limit)
        return;
    patience_stop(p, c);
    c->since = clock_now();
    c->waited_for = true;
    c->prev = p->last;
    c->next = NULL;
    *(p->last ? &p->last->next : &p->first) = c;
    p->last = c;
    await_first(p);
}

/* The timer is left as it is: it finds nobody to send away, and waits for who is first then. */
void patience_stop(struct patience *p, struct caller *c)
{
    if (!c->waited_for)
        return;
    *(c->prev ? &c->prev->next : &p->first) = c->next;
    *(c->next ? &c->next->prev : &p->last) = c->prev;
    c->waited_for = false;
}

bool patience_has_left(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}
