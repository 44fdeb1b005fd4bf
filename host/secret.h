/*
 * secret: the credential, and the password of a queue: read once, kept in one place, wiped at the end.
 *
 * It comes from the environment, a file or a command, never from an argument: those show in the process list. Whatever is
 * loaded is taught to redact, so that it cannot be printed. Errors are written into `err` (ERROR_SIZE bytes) and never quote
 * the value.
 */
#ifndef MOONKEY_SECRET_H
#define MOONKEY_SECRET_H

#include <stddef.h>

#define ERROR_SIZE 512
#define SECRET_MAX 4096

struct secret;

/* `origin` says for people where it came from ("environment variable MPT_API_TOKEN"). Surrounding white space is cut; an empty
 * value, one that is too short to be masked, and one with bytes that cannot stand in an HTTP header (RFC 9110, 5.5), is
 * refused. NULL on error. */
struct secret *secret_new(const char *value, size_t len, const char *origin, char *err);
/* Reads the variable, then removes it from the environment, so that no child and no script sees it. */
struct secret *secret_from_env(const char *name, char *err);
/* Removes all entries of that name, of which there may be several, after overwriting them. */
void secret_wipe_env(const char *name);
/* Refused when the group or others may read the file: like ssh does with keys. A path that seems to be the credential itself is
 * not quoted. */
struct secret *secret_from_file(const char *path, char *err);
/* Standard output of `/bin/sh -c command`; refused when it fails, or takes more than two minutes. `origin`: what messages call
 * it where it is a program of ours, which tells itself what is wrong; NULL for a command of the user's. */
struct secret *secret_from_command(const char *command, const char *origin, char *err);
/* The same for the password of a queue, which may have any characters but control characters. */
struct secret *secret_password_from_env(const char *name, char *err);
struct secret *secret_password_from_file(const char *path, char *err);
struct secret *secret_password_from_command(const char *command, char *err);
void secret_free(struct secret *secret);

const char *secret_value(const struct secret *secret);
const char *secret_origin(const struct secret *secret);
/* The id of the credential's own token (`idt:ID:…`, api-contract section 2), or "". */
const char *secret_token_id(const struct secret *secret);

/*
 * Keep memory out of core files and away from other processes of the same user, and TLS keys out of SSLKEYLOGFILE. Call it
 * before curl_global_init(). 0, or -1 when the system refused.
 */
int secret_protect_process(void);

#endif
