/*
 * httpd: an HTTP/1.1 server on a loopback address, over libmicrohttpd driven by the loop.
 *
 * Nothing here knows Lua. A request is collected whole, its connection is suspended, and it waits in a queue until it is taken;
 * a reply is recorded and sent in the next step of the loop.
 */
#ifndef MOONKEY_HTTPD_H
#define MOONKEY_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "loop.h"

struct httpd;
struct MHD_Connection;
struct MHD_Response;

struct httpd_options {
    const char *host;           /* a loopback address in numbers */
    int port;                   /* 0 picks a free one */
    size_t max_body;            /* bytes; a larger one is answered with 413 */
    unsigned max_connections;   /* fewer where the limit of open files cannot be raised that far; further ones wait */
    int64_t patience;           /* ns that a client has to send a request, and to take the reply; 0: no end */
    void (*arrived)(void *arg); /* a request has been queued; called within loop_step(): record and wake only */
    void *arg;
};

enum httpd_phase { HTTPD_ARRIVING, HTTPD_SUSPENDED, HTTPD_REPLIED };

/* Owned by the server until its connection is done with it, and by who took it until httpd_release(). */
struct httpd_request {
    char method[16];
    char *target; /* as on the request line, still percent-encoded */
    struct buf body;
    enum httpd_phase phase;
    /* the server's own */
    struct MHD_Connection *connection; /* NULL before the headers, and after the daemon has let go */
    struct MHD_Response *response;     /* recorded by httpd_reply(), handed to the daemon in the next step */
    unsigned status;
    struct httpd *server;
    struct httpd_request *prev, *next; /* the suspended ones, in order of arrival */
    size_t discarded;
    bool in_daemon, taken, too_large, held;
};

struct httpd_header {
    const char *name, *value;
    size_t name_len, value_len;
};

enum httpd_result { HTTPD_OK, HTTPD_GONE, HTTPD_NOMEM, HTTPD_BAD_HEADER };

/* NULL when it cannot listen; then errno says why. The host must be one that loopback_is(). */
struct httpd *httpd_start(struct loop *loop, const struct httpd_options *options);
int httpd_port(const struct httpd *s);
/* No further connections, and to further requests 503; those that have arrived by now are still queued. */
void httpd_quiesce(struct httpd *s);
/* Send what has been replied, for a second at most, close every connection, free the server. Requests that were taken stay
 * valid, as gone. */
void httpd_stop(struct httpd *s);

/* The request that waits longest, to be released; NULL when none does. */
struct httpd_request *httpd_take(struct httpd *s);
bool httpd_pending(const struct httpd *s);

/* The headers, until it is replied to: the count written to `out`. The texts are the server's. */
size_t httpd_headers(const struct httpd_request *req, struct httpd_header *out, size_t max);

/* Once a request. Copies the body; names and values end in NUL. HTTPD_GONE: the connection is closed already. */
enum httpd_result httpd_reply(struct httpd_request *req, unsigned status, const char *body, size_t len,
                              const struct httpd_header *headers, size_t count);

/*
 * For those who try out their clients, each instead of httpd_reply(), with the same results: announce the whole body, send
 * `sent` bytes of it, and close the connection; reset the connection, as a machine that crashes does; or do not answer until
 * the client gives up, which lets go of the request too.
 */
enum httpd_result httpd_reply_part(struct httpd_request *req, unsigned status, const char *body, size_t len, size_t sent,
                                   const struct httpd_header *headers, size_t count);
enum httpd_result httpd_reset(struct httpd_request *req);
enum httpd_result httpd_hold(struct httpd_request *req);

/* A request that was not replied to gets its connection closed. */
void httpd_release(struct httpd_request *req);

#endif
