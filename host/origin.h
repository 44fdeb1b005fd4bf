/*
 * origin: a base URL as people write it, checked and normalised.
 *
 * `https://host`, `…/`, `…/public` and `…/public/v1` are the same place (api-contract, section 2). Plain http is refused except
 * to a loopback address, because the credential would travel in the clear.
 */
#ifndef MOONKEY_ORIGIN_H
#define MOONKEY_ORIGIN_H

#include <stdbool.h>

struct origin {
    char url[512];  /* scheme://host[:port][/prefix], no slash at the end */
    char host[256]; /* host[:port], to show */
    bool loopback;  /* 127.0.0.0/8, ::1 or localhost */
};

/* 0, or -1 with a message of at most ERROR_SIZE bytes (secret.h) in `err`. */
int origin_parse(struct origin *origin, const char *text, char *err);

/*
 * The proxy for this origin, `proxy` or else the one that libcurl takes from the environment: 0, or -1 with a message that does
 * not quote it, because a password may be in it. libcurl's own message would. Its password is masked from now on (redact.h).
 */
int origin_check_proxy(const struct origin *origin, const char *proxy, char *err);

#endif
