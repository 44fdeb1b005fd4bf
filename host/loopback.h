/* loopback: sockets that listen where only this machine can reach them. */
#ifndef MOONKEY_LOOPBACK_H
#define MOONKEY_LOOPBACK_H

#include <stdbool.h>

/* Is it the number of a loopback address? A name is not. */
bool loopback_is(const char *host);

/* The same of a host as a URL names it: also localhost, which libcurl looks up nowhere, and [::1]. */
bool loopback_is_host(const char *host);

/* A descriptor that listens on such an address, not blocking; `*port` becomes its port (0 picked one). -1 and errno. */
int loopback_listen(const char *host, int *port);

#endif
