/*
 * transfer: one HTTP exchange on a curl easy handle, with capped buffers.
 *
 * No retry, no credential policy, no Lua: that is client's and above. Easy handles are pooled and keep their connections.
 */
#ifndef MOONKEY_TRANSFER_H
#define MOONKEY_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "facts.h"
#include "loop.h"

/* Why an exchange, or a call made of several, did not end in an HTTP reply. */
enum failure {
    FAILURE_NONE,        /* a reply came: look at `status`; only the body of an error may have been lost on the way */
    FAILURE_TRANSPORT,   /* DNS, connect, reset, truncated or empty reply */
    FAILURE_TIMEOUT,     /* connect, total or low-speed limit, or the deadline of the call */
    FAILURE_CERTIFICATE, /* the server could not prove who it is, or ours was refused: trying again cannot help */
    FAILURE_UNUSABLE,    /* a reply came, but is larger than it may be, or cannot be decoded */
    FAILURE_CANCELLED,   /* never sent, or cut off, because the program is stopping */
    FAILURE_REFUSED,     /* never sent, because a guard forbids it */
    FAILURE_INTERNAL,    /* out of memory, libcurl refused an option */
};

struct result {
    enum failure failure;
    long status;            /* of the reply, 0 if none came */
    struct buf body;        /* decoded; whole or empty */
    bool is_json;           /* by its content type */
    bool sent;              /* some byte of the request may have reached the server */
    int64_t retry_after_ms; /* what Retry-After asks for, -1 if nothing usable */
    char message[640];      /* of a failure, for people; of a 3xx, where it points */
};

struct transfer_config {
    const char *user_agent;
    size_t max_body, max_headers; /* bytes, decoded */
    long connect_timeout_ms, total_timeout_ms;
    long max_connections;
    bool loopback;                                      /* proxies are not for this origin */
    bool http2;                                         /* over TLS, where the server offers it; else HTTP/1.1 */
    const char *ca_file, *cert_file, *key_file, *proxy; /* NULL: libcurl's defaults */
    /* An exchange has a connection and is about to be sent. From within libcurl: it must only record, or start a timer. Where
     * it says false, nothing is sent, and the exchange ends in FAILURE_CANCELLED. */
    bool (*connected)(void *arg);
    void *connected_arg;
};

struct exchange {
    const char *method, *url;
    const char *body; /* borrowed until the exchange has ended; NULL for none */
    size_t body_len;
    const struct curl_slist *headers; /* borrowed likewise */
    bool may_repeat;                  /* false: libcurl must not resend on its own either (POST) */
    int64_t timeout_ms;               /* of this exchange, if lower than the configured one; 0 for none */
    struct facts *facts;              /* filled in before `done` is called, borrowed until then; NULL: nobody wants them */
};

struct transfers;
struct transfer;

/* NULL when memory ran out. `config` is copied, its strings are not. */
struct transfers *transfers_new(struct loop *loop, const struct transfer_config *config);
/* Cuts off what is under way without telling anyone. */
void transfers_free(struct transfers *all);

/*
 * Start. `done` is called once, from within loop_step(), never from here. It gets the result by pointer and owns its body: it
 * moves it out or frees it with buf_free(). NULL when memory ran out.
 */
struct transfer *transfer_start(struct transfers *all, const struct exchange *exchange,
                                void (*done)(struct result *result, void *arg), void *arg);
/* Cut off: `done` is not called. */
void transfer_cancel(struct transfer *transfer);
/* Has it a connection, so that some of it may have been sent? */
bool transfer_connected(const struct transfer *transfer);

#endif
