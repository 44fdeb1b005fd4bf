/*
 * sockets: the sockets of libcurl's connections, to look at one before it is used again.
 *
 * libcurl 7.88 takes an idle connection for usable when bytes wait on it that nobody asked for, such as the 408 that a load
 * balancer says before it closes; the next request would be given them as its reply, and each one after it the reply of the one
 * before.
 */
#ifndef MOONKEY_SOCKETS_H
#define MOONKEY_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>

/* Let the sockets of the connections that `easy` makes be known here. False when libcurl refuses. */
bool sockets_watch(CURL *easy);

/*
 * The connection with this port of ours (as CURLOPT_PREREQFUNCTION gives it) is about to be used. Was it used before, and is
 * there something to be read on it, or its end? Then it must not be.
 */
bool sockets_is_stale(int local_port);

#endif
