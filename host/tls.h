/* tls: how libcurl is to do TLS, the same for every connection: 1.2 or later, and always with verification, its default. */
#ifndef MOONKEY_TLS_H
#define MOONKEY_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

/* The names of PEM files, NULL for libcurl's defaults; a certificate of our own is for servers that ask for one. False when
 * libcurl refuses: it would not be the connection that was meant. */
bool tls_set(CURL *easy, const char *ca_file, const char *cert_file, const char *key_file);

#endif
