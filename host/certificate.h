/*
 * certificate: which certificate of a server was not accepted, and why. libcurl says only that one was not.
 *
 * It listens while OpenSSL verifies and changes no verdict.
 */
#ifndef MOONKEY_CERTIFICATE_H
#define MOONKEY_CERTIFICATE_H

#include <curl/curl.h>

struct certificate_note {
    char text[320]; /* "CN = api.example, issued by CN = Example CA, …": the one refused, or else the server's own; "" for none
                     */
};

/* Let connections that `easy` makes write into `note`, which must live as long as they do. */
void certificate_watch(CURL *easy, struct certificate_note *note);

#endif
