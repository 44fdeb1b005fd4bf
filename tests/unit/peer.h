/*
 * peer: a small server of HTTP, or of what looks like Redis, in a thread of the test. Replies are handed out in the order in
 * which requests arrive, on whatever connection.
 */
#ifndef MOONKEY_UNIT_PEER_H
#define MOONKEY_UNIT_PEER_H

#include <stddef.h>

enum peer_then { PEER_KEEP, PEER_CLOSE, PEER_RESET, PEER_HANG };

struct peer_reply {
    const char *text;    /* sent as it is; NULL for nothing */
    enum peer_then then; /* what becomes of the connection */
    int delay_ms;        /* before the text */
    size_t after;        /* and not before so many requests have arrived, or had 10 s to */
    size_t fill;         /* this many x after the text */
};

struct peer;

/* Serve `count` replies, which stay the caller's; every further request gets a 500. */
struct peer *peer_start(const struct peer_reply *replies, size_t count);
/* The same for commands of Redis; every further one gets an error. */
struct peer *peer_start_redis(const struct peer_reply *replies, size_t count);
int peer_port(const struct peer *peer);
/* http://127.0.0.1:PORT, valid until peer_stop(). */
const char *peer_url(const struct peer *peer);
size_t peer_requests(struct peer *peer);
size_t peer_connections(struct peer *peer);
/* The most requests that were waiting for their reply at a time. */
size_t peer_most_at_a_time(struct peer *peer);
/* The text of a request, from 0, valid until peer_stop(). */
const char *peer_request(struct peer *peer, size_t index);
void peer_stop(struct peer *peer);

/* A whole reply with this status line ("200 OK") and JSON body; in a ring of static buffers. */
const char *peer_json(const char *status, const char *body);

#endif
