/*
 * outcome: what an exchange came to, from what libcurl says of it: which kind of failure, or what the head of the reply tells.
 *
 * transfer's own; it touches neither the pool nor the connection.
 */
#ifndef MOONKEY_OUTCOME_H
#define MOONKEY_OUTCOME_H

#include "certificate.h"
#include "transfer.h"

/* What transfer has seen of the exchange. */
struct outcome {
    CURL *easy;
    CURLcode code;
    const char *error; /* libcurl's words, may be "" */
    const struct certificate_note *certificate;
    bool headers_whole;   /* the head of the final reply came whole */
    bool connected;       /* the request was about to be sent */
    const char *not_used; /* why the connection was not used, or not once more; NULL: it was */
};

/*
 * Fill in all of `result` but its body, of which only what is whole and wanted is kept. A failure and a message that a callback
 * has set already stay.
 */
void outcome_judge(struct result *result, const struct outcome *outcome);

#endif
