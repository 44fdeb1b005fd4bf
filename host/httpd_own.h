/* httpd_own: what httpd.c (the daemon, and what arrives) and httpd_answer.c (what is sent) share. */
#ifndef MOONKEY_HTTPD_OWN_H
#define MOONKEY_HTTPD_OWN_H

#include <microhttpd.h>

#include "httpd.h"
#include "patience.h"

#define CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct httpd {
    struct MHD_Daemon *daemon;
    struct loop *loop;
    struct watch watch; /* the daemon's epoll descriptor */
    struct timer timer; /* work that the daemon has left without an event */
    struct timer hold_timer;
    struct patience patience;
    struct httpd_options options;
    int port;
    bool freed; /* a connection, in this run of the daemon */
    bool quiet, stopping;
    struct httpd_request *first, *last; /* suspended */
    struct httpd_request *pending;      /* the first that was not taken; those after it were not either */
    size_t sending;                     /* requests whose reply is on its way */
};

/* The connection goes on with req->response, or is closed without one. */
void httpd_resume(struct httpd_request *req);
int httpd_socket(const struct httpd_request *req);
/* Look in a while whether clients of held requests have left. */
void httpd_watch_held(struct httpd *s);
void httpd_free_request(struct httpd_request *req);

#endif
