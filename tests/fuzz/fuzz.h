/*
 * What every fuzz target includes. A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput(), and checks properties with
 * REQUIRE(); its seeds are the files of corpus/NAME. With MOONKEY_FUZZ it is linked with libFuzzer, otherwise with replay.c,
 * which runs the seeds and nothing else.
 */
#ifndef MOONKEY_FUZZ_H
#define MOONKEY_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that holds for every input; otherwise the program ends, and the input is a find. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_failed(const char *file, int line, const char *condition);

/* Inputs are read from the front, a line for each thing but the last, so that seeds can be written with an editor. */
struct input {
    const char *at;
    size_t left;
};

/* The copies are exactly as large as they have to be, so that the sanitizers see a step too far; the caller frees them. */
char *input_line(struct input *in); /* without its newline, NUL-terminated */
char *input_rest(struct input *in, size_t *len);

/* A made-up secret, and stand-ins for it in texts: a seed need not hold it, and the fuzzer can move it as a whole. */
#define FUZZ_SECRET     "CredentialThatMustNeverBeShown42"
#define FUZZ_CREDENTIAL "idt:TKN-0000-0001:" FUZZ_SECRET
#define FUZZ_PLAIN      3 /* bytes of it that are never escaped: by "idt" alone one is known that nobody has learnt */

/* `text` with ` in it replaced by the credential, ^ by it in JSON's \u escapes, ~ by it with every other byte escaped. */
void fuzz_fill(struct buf *out, const char *text, size_t len);
/* Does `text` show the secret, as it is or escaped as JSON does? */
bool fuzz_shows(const char *text, size_t len, const char *secret);

#endif
