/*
 * redact: mask secrets in anything that is printed.
 *
 * Masked are: the values given to redact_learn(), every `idt:TKN-…:…`, the value of an Authorization header, and the value of a
 * JSON member "token". The token's id between the colons is no secret and stays readable (api-contract: the platform's
 * credentials are `idt:TKN-NNNN-NNNN:` and then 64 letters and digits).
 *
 * Learnt values are also known when some of their bytes are escaped as in JSON or in a URL, and when the end of the text cuts
 * them off. The time is linear in the length of the text, whatever stands in it.
 */
#ifndef MOONKEY_REDACT_H
#define MOONKEY_REDACT_H

#include <stddef.h>

#include "buf.h"

#define REDACTED "[redacted]"

/* Mask `value` from now on, wherever it stands. It is copied; redact_forget_all() wipes the copies. Values under 8 bytes are
 * not learnt: masking them would eat ordinary words. 0, or -1 when memory ran out or too many were learnt. */
int redact_learn(const char *value, size_t len);
void redact_forget_all(void);

/* The cap of a buffer that holds `len` bytes however they are masked: what is masked is at least 6 bytes, and becomes at most
 * 15
 * ("idt::x"). */
#define REDACT_CAP(len) (3 * (len) + sizeof REDACTED)

/* Append `text` to `out`, masked. What does not fit the buffer's cap, or memory, is left out, never left unmasked. */
enum buf_status redact_append(struct buf *out, const char *text, size_t len);

#endif
