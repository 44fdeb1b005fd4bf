/* What every unit test includes: cmocka and what it needs, and help that several of them share. */
#ifndef MOONKEY_UNIT_H
#define MOONKEY_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Print the case that is being tried, so that a failure names it. */
#define TRY(name) print_message("  %s\n", name)

/* Run `body` with standard error going to a file, and give what was written there; the caller frees it. */
char *unit_capture(void (*body)(void *arg), void *arg);

/*
 * How often to do what is done with numbers drawn at random: `all`, or the part of it in UNIT_PERCENT, where each takes
 * many times as long (tests/CMakeLists.txt: under valgrind, and with the sanitizers).
 */
int unit_rounds(int all);

#endif
