/*
 * link: a stream of bytes to a server, over TCP or TLS, in the loop. libcurl connects and encrypts (its connect-only mode), so
 * names, addresses and certificates are dealt with as for the API.
 *
 * Each link has a multi handle of its own: in that of the exchanges it would take the place of one of their connections, and be
 * closed as idle by them (libcurl 7.88 looks at every connection that nobody transfers on, and takes one with bytes to be read
 * for dead).
 */
#ifndef MOONKEY_LINK_H
#define MOONKEY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "transfer.h"

struct link_options {
    const char *host;
    int port;
    bool tls;                                   /* with verification of the server's name, always */
    const char *ca_file, *cert_file, *key_file; /* NULL: libcurl's defaults */
    int64_t timeout_ms;                         /* of name, connection and handshake together */
};

/* Both are called from within loop_step(), never from within a function of link, and may free the link. */
struct link_owner {
    void (*connected)(void *arg, bool well); /* once; otherwise link_failure() says why not */
    void (*ready)(void *arg);                /* something may be received, or sent after link_want_to_send() */
    void *arg;
};

struct link;

/* Can such a host be? */
bool link_is_host(const char *host);

/* NULL when memory ran out. The strings are copied. */
struct link *link_open(struct loop *loop, const struct link_options *options, const struct link_owner *owner);
void link_free(struct link *link);

enum link_io { LINK_OK, LINK_AGAIN, LINK_BROKEN };

/* What is there: receive until LINK_AGAIN, since with TLS more may be there than the socket shows. `count` is at least 1 with
 * LINK_OK. After LINK_BROKEN, `ready` is not called any more. */
enum link_io link_receive(struct link *link, char *into, size_t size, size_t *count);
/* What was not taken is to be sent again from the same place of memory. */
enum link_io link_send(struct link *link, const char *bytes, size_t len, size_t *count);
/* Call `ready` when something can be sent. */
void link_want_to_send(struct link *link, bool want);

/* Why it is broken: FAILURE_NONE as long as it is not. The text is for people, and masked. */
enum failure link_failure(const struct link *link);
const char *link_failure_text(const struct link *link);

#endif
