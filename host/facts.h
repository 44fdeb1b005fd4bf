/*
 * facts: how far an exchange came, how long each step took, and what the other side showed of itself: for whoever looks for
 * what is wrong with a connection.
 */
#ifndef MOONKEY_FACTS_H
#define MOONKEY_FACTS_H

#include <curl/curl.h>
#include <stdint.h>

#include "certificate.h"

/* The step at which it ended. */
enum step {
    STEP_RESOLVE, /* looking up the name, of the proxy where there is one */
    STEP_CONNECT, /* TCP, and what a proxy has to be asked for */
    STEP_TLS,
    STEP_REQUEST, /* sent, at least in part; no reply */
    STEP_REPLY,
};

struct facts {
    enum step step;
    double resolved, connected, secured, replied; /* seconds from the start; 0: it did not come to that */
    char address[64];                             /* that was connected to, or was tried last; "" for none */
    long port;
    long proxy_status;     /* of a proxy's reply to CONNECT; 0 for none */
    char certificate[400]; /* as certificate_text() */
    int64_t expires;       /* of the server's certificate, seconds since 1970; 0: not known */
    const char *protocol;  /* of TLS, "TLSv1.3"; NULL: none was agreed on */
    int64_t date;          /* the server's clock, seconds since 1970; -1: it did not say */
    int64_t skew_ms;       /* how far our clock is ahead of that; known where date is */
};

/* When an exchange on `easy` has ended with `code`; `connected`: the request was about to be sent. */
void facts_fill(struct facts *facts, CURL *easy, CURLcode code, bool connected, const struct certificate_note *certificate);

#endif
