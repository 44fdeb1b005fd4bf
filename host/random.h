/* random: random bits, drawn from the system in bulk: glibc asks the kernel for each arc4random() of its own. */
#ifndef MOONKEY_RANDOM_H
#define MOONKEY_RANDOM_H

#include <stdint.h>

/* Uniform over all 64 bits. Not shared with children: the host does not fork and go on. */
uint64_t random_bits(void);

#endif
