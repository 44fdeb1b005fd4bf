/*
 * redact: mask secrets in anything that is printed.
 *
 * Masked are: the values given to redact_learn(), every `idt:TKN-…:…`, the value of an Authorization header, and the value of a
 * JSON member "token". The token's id between the colons is no secret and stays readable (api-contract: the platform's
 * credentials are `idt:TKN-NNNN-NNNN:` and then 64 letters and digits).
 *
 * Learnt values are also known in other spellings (spelling.h), and by their first 16 bytes where they do not go on, as when
 * the text is cut off or abbreviates them. The time is linear in the length of the text, whatever stands in it.
 */
#ifndef MOONKEY_REDACT_H
#define MOONKEY_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define REDACTED        "[redacted]"
#define REDACT_SHORTEST 8

/* Mask `value` from now on, wherever it stands. It is copied; redact_forget_all() wipes the copies. Values under
 * REDACT_SHORTEST bytes are not learnt: masking them would eat ordinary words. 0, or -1 when memory ran out or too many were
 * learnt. */
int redact_learn(const char *value, size_t len);
void redact_forget_all(void);

/* The cap of a buffer that holds `len` bytes however they are masked: what is masked is at least 6 bytes, and becomes at most
 * 15
 * ("idt::x"). */
#define REDACT_CAP(len) (3 * (len) + sizeof REDACTED)

/* Append `text` to `out`, masked. What does not fit the buffer's cap, or memory, is left out, never left unmasked. */
enum buf_status redact_append(struct buf *out, const char *text, size_t len);

/* Does `text` hold a learnt value? And the same as redact_append() for those alone. */
bool redact_knows_of(const char *text, size_t len);
enum buf_status redact_append_learnt(struct buf *out, const char *text, size_t len);

#endif
