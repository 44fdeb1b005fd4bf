/*
 * certificate: why no secure connection came about: which certificate of the server was not accepted and what it says, or what
 * the server did not accept of ours. libcurl says little more than that it was so.
 *
 * It listens while OpenSSL works, and changes no verdict.
 */
#ifndef MOONKEY_CERTIFICATE_H
#define MOONKEY_CERTIFICATE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate_note;

/* What the connections that `easy` makes come to is noted from now on. NULL when memory ran out. */
struct certificate_note *certificate_watch(CURL *easy);
/* Connections may outlive it, and the easy handle. NULL is fine. */
void certificate_forget(struct certificate_note *note);

/* Before an exchange: what was noted before is no longer of interest. */
void certificate_begin(struct certificate_note *note);
/* "CN = api.example, issued by CN = Example CA, …": the certificate refused, or else the server's own; "" for none. */
const char *certificate_text(const struct certificate_note *note);
/* When that certificate's time is over, in seconds since 1970; 0: there is none. */
int64_t certificate_expires(const struct certificate_note *note);
/* Has a handshake begun? */
bool certificate_handshake_began(const struct certificate_note *note);
/* "TLSv1.3", once the two sides have agreed; NULL before. */
const char *certificate_protocol(const struct certificate_note *note);
/* Has the server, or OpenSSL, said in so many words (a TLS alert) that trying again cannot help? Then what to make of it. */
bool certificate_refusal(const struct certificate_note *note, char *text, size_t size);
/* Did the server ask for a certificate that we do not have? It may close the connection without saying that this is why. */
bool certificate_asked(const struct certificate_note *note);

#endif
