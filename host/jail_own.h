/* jail_own: the layers of jail.c. Each is entered, or says in `why` what is in the way. */
#ifndef MOONKEY_JAIL_OWN_H
#define MOONKEY_JAIL_OWN_H

#include "jail.h"

bool jail_filter_calls(char *why, size_t size);
/* The version of Landlock's interface, or 0. */
int jail_restrict_files(const struct jail_rules *rules, char *why, size_t size);

#endif
