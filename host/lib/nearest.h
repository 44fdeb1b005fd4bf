/* nearest: the right name for a mistyped one. */
#ifndef MOONKEY_LIB_NEAREST_H
#define MOONKEY_LIB_NEAREST_H

#include <stddef.h>

/* The name closest to `text`, if it is close enough to be meant: at most a third of it away. Else NULL. */
const char *nearest(const char *text, const char *const *names, size_t count);

#endif
